//! JSON held against the schemas of `docs/`.

use std::path::Path;

use serde_json::Value;

/// Where the schemas call each other.
const PLACE: &str = "http://docs.invalid/";

/// A schema of `docs/`.
pub struct Schema {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Schema {
    /// The events of `--format json`.
    pub fn of_events() -> Self {
        Self::of("events.schema.json")
    }

    /// The records of builds.
    pub fn of_records() -> Self {
        Self::of("record.schema.json")
    }

    /// A schema that cannot be read is a failed test.
    fn of(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../docs")
            .join(name);
        let read = || -> Result<Self, Box<dyn std::error::Error>> {
            let mut schemas = boon::Schemas::new();
            let mut compiler = boon::Compiler::new();
            compiler.enable_format_assertions();
            let place = format!("{PLACE}{name}");
            compiler.add_resource(&place, serde_json::from_slice(&fs_err::read(&path)?)?)?;
            let index = compiler.compile(&place, &mut schemas)?;
            Ok(Self { schemas, index })
        };
        match read() {
            Ok(schema) => schema,
            Err(error) => panic!("{}: {error}", path.display()),
        }
    }

    /// What is wrong with a value by the schema.
    pub fn complaint(&self, value: &Value) -> Option<String> {
        let error = self.schemas.validate(value, self.index).err()?;
        Some(format!("{error:#}\nin {value}"))
    }

    /// The value that `text` is, if the schema allows it.
    #[track_caller]
    pub fn read(&self, text: &str) -> Value {
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => panic!("{error} in {text}"),
        };
        match self.complaint(&value) {
            Some(complaint) => panic!("{complaint}"),
            None => value,
        }
    }

    /// The values of the lines of `text`, if the schema allows each.
    #[track_caller]
    pub fn lines(&self, text: &str) -> Vec<Value> {
        text.lines().map(|line| self.read(line)).collect()
    }
}
