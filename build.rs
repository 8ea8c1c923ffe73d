//! Puts the intent catalogue into the program, so that it runs without a folder beside it.

use std::{env, fmt::Write, fs, io, path::Path};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=intents");
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let mut code = String::from("/// The catalogue in the repository: path below `intents/`, text.\n");
    code.push_str("static EMBEDDED: &[(&str, &str)] = &[\n");
    for folder in ["en", "lists", "tests/en"] {
        let folder_path = Path::new(&root).join("intents").join(folder);
        if !folder_path.is_dir() {
            continue;
        }
        let mut paths: Vec<_> = fs::read_dir(folder_path)?
            .collect::<Result<Vec<_>, _>>()?
            .into_iter()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
            .collect();
        paths.sort();
        for path in paths {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let below = format!("{folder}/{name}");
            // Not the whole path: a build folder may serve another clone, whose files stand elsewhere.
            let file = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})", format!("/intents/{below}"));
            writeln!(code, "    ({below:?}, include_str!({file})),").map_err(io::Error::other)?;
        }
    }
    code.push_str("];\n");
    fs::write(Path::new(&out).join("intents.rs"), code)
}
