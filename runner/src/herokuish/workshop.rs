//! What commands that build or fetch work with: services as `BP_*` variables say, drawn in herokuish's form.

use std::path::PathBuf;

use buildpack_core::diagnostic::Origin;

use crate::cli;
use crate::pipeline::{Failure, Services};
use crate::sandbox::InPlaceSandbox;
use crate::settings::{Flags, Settings};
use crate::ui::{Redactor, Screen, Style, Ui};

use super::face::Face;
use super::say::MARGIN;

/// Services and the screen that they draw on.
pub(super) struct Workshop {
    pub(super) ui: Ui,
    pub(super) services: Services,
    pub(super) settings: Settings,
}

impl Workshop {
    /// With what is kept in `folder`, if any, unless `BP_CACHE_DIR` names another; `secrets` (names and values) are never drawn.
    /// Programs run where `bp` stands: the container is the wall.
    pub(super) fn open(
        face: &Face,
        folder: Option<PathBuf>,
        mut secrets: Vec<(String, String)>,
    ) -> Result<Self, Failure> {
        crate::tls::install();
        let outcome = Settings::load(&|name| std::env::var_os(name), &Flags::default());
        secrets.extend(cli::passwords_in(outcome.value.as_ref()));
        let ui = Ui::new(
            Style::Text,
            face.trace,
            Screen::standard(),
            Redactor::new(secrets),
        )
        .with_margin(MARGIN);
        let Some(mut settings) = outcome.value else {
            return Err(Failure::all(outcome.diagnostics));
        };
        for diagnostic in &outcome.diagnostics {
            ui.diagnostic(diagnostic);
        }
        if matches!(settings.cache_dir.origin, Origin::Default(_))
            && let Some(folder) = folder
        {
            settings.cache_dir.value = folder;
        }
        let sandbox = || Ok(Box::new(InPlaceSandbox::new(false)) as Box<_>);
        let services = cli::services(&settings, &ui, Box::new(sandbox))?;
        Ok(Self {
            ui,
            services,
            settings,
        })
    }
}
