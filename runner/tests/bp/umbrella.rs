//! Umbrellas with several web apps, and the programs that Mix tasks build assets with.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::{fresh, page, workspace};

#[test]
fn every_web_app_of_an_umbrella_has_its_digested_styles() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_umbrella", "web_apps").unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("* assets of apps/admin_web built by mix assets.deploy")
        .says("* assets of apps/shop_web built by npm run deploy")
        .says("-----> Installing packages of apps/shop_web with npm")
        .says("-----> Digesting static files of apps/shop_web");
    let (shop, admin) = (page::free_port(), page::free_port());
    let mut child = place
        .command(&[
            "run",
            "web_apps",
            "--port",
            &shop.to_string(),
            "--env",
            &format!("ADMIN_PORT={admin}"),
            "--env",
            &format!("SECRET_KEY_BASE={}", "0123456789abcdef".repeat(5)),
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_mins(1);
    let styles = [shop, admin].map(|port| {
        let html = page::get(port, "/", until).unwrap_or_default();
        let link = html.split('"').find(|text| text.contains(".css"));
        let link = link.unwrap_or_default().to_owned();
        let answer = page::get(port, &link, until).unwrap_or_default();
        (link, answer)
    });
    child.kill().unwrap();
    child.wait().unwrap();
    for (link, answer) in &styles {
        assert!(link.starts_with("/assets/css/app-"), "{link}");
        assert!(answer.starts_with("HTTP/1.1 200"), "{link}: {answer}");
    }
    assert_ne!(styles[0].0, styles[1].0);

    app.write(
        "apps/admin_web/assets/css/app.css",
        "body { color: teal }\n",
    )
    .unwrap();
    let changed = place
        .build(&app, &[])
        .ok()
        .says("-----> Building assets of apps/admin_web with mix assets.deploy")
        .says("step assets-deploy:apps/shop_web: left out")
        .says("step assets-digest:apps/shop_web: left out")
        .never_says("Installing packages");
    let clean = fresh().unwrap();
    assert_eq!(changed.digest(), clean.build(&app, &[]).ok().digest());
    // One that takes from another is built with it.
    app.write(
        "apps/shop_web/assets/css/app.css",
        "@import \"../../../admin_web/assets/css/app.css\";\n",
    )
    .unwrap();
    place.build(&app, &[]).ok();
    app.write(
        "apps/admin_web/assets/css/app.css",
        "body { color: navy }\n",
    )
    .unwrap();
    place.build(&app, &[]).ok().says(
        "step assets-deploy:apps/shop_web: runs, `apps/admin_web/assets/css/app.css` changed",
    );
}

#[test]
fn the_program_follows_the_version_in_the_configuration() {
    let Some(place) = workspace() else { return };
    let app = place.app("phoenix_esbuild", "versions").unwrap();
    let first = place.build(&app, &[]).ok().says("* esbuild 0.25.0");
    // The app's Mix task refuses every other version.
    app.replace("config/config.exs", "0.25.0", "0.25.1")
        .unwrap();
    place
        .build(&app, &[])
        .ok()
        .says("* esbuild 0.25.1")
        .says("Check your digested files");
    app.replace("config/config.exs", "0.25.1", "0.25.99999")
        .unwrap();
    place
        .build(&app, &[])
        .fails(3, "npm-package-missing")
        .says("config/config.exs:6:13");
    app.replace("config/config.exs", "0.25.99999", "0.25.0")
        .unwrap();
    assert_eq!(place.build(&app, &[]).ok().digest(), first.digest());
}
