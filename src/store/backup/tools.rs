//! PostgreSQL's own programs, `pg_dump` and `pg_restore`.
//!
//! Invariants: a password never stands in an argument, where every user of the machine could read it; what a program says
//! is told by its first line, since later ones may quote rows.

use std::{
    fs::{File, OpenOptions},
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::BackupError;

/// Copies the database as it is in that snapshot.
pub async fn dump(folder: Option<&Path>, url: &str, snapshot: &str, to: &Path) -> Result<(), BackupError> {
    let mut command = prepared(folder, "pg_dump", url)?;
    command.args(["--format=custom", "--no-owner", "--no-privileges", "--snapshot", snapshot]);
    let out = OpenOptions::new().append(true).open(to).map_err(|e| BackupError::io("cannot write", to, e))?;
    let to = to.to_owned();
    run("pg_dump", move || {
        let done = command.stdin(Stdio::null()).stdout(out).stderr(Stdio::piped()).output()?;
        Ok((done.status.success(), done.stderr))
    })
    .await
    .map_err(|error| match error {
        BackupError::ToolFailed { said, .. } if said.contains("No space left") || said.contains("File too large") => {
            BackupError::Full(to)
        }
        other => other,
    })
}

/// Loads the first `bytes` bytes of a file into an empty database, all or nothing.
pub async fn load(folder: Option<&Path>, url: &str, from: &Path, bytes: u64) -> Result<(), BackupError> {
    let mut command = prepared(folder, "pg_restore", url)?;
    command.args(["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]);
    let source = File::open(from).map_err(|e| BackupError::io("cannot read", from, e))?;
    run("pg_restore", move || {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut into = child.stdin.take();
        let feeding = std::thread::spawn(move || {
            // One that stops reading says why by itself.
            let _ = into.as_mut().map(|into| std::io::copy(&mut source.take(bytes), into));
        });
        let done = child.wait_with_output()?;
        let _ = feeding.join();
        Ok((done.status.success(), done.stderr))
    })
    .await
}

async fn run(
    program: &'static str,
    work: impl FnOnce() -> std::io::Result<(bool, Vec<u8>)> + Send + 'static,
) -> Result<(), BackupError> {
    let failed = |said: String| BackupError::ToolFailed { program, said };
    let done = tokio::task::spawn_blocking(work).await.map_err(|_| failed("it was interrupted".into()))?;
    match done {
        Ok((true, _)) => Ok(()),
        Ok((false, said)) => {
            let said = String::from_utf8_lossy(&said);
            Err(failed(said.lines().next().unwrap_or("it said nothing").to_owned()))
        }
        Err(e) => Err(failed(e.to_string())),
    }
}

/// The program with the address in its arguments and the password in its surroundings.
fn prepared(folder: Option<&Path>, program: &'static str, url: &str) -> Result<Command, BackupError> {
    let mut command = Command::new(find(folder, program).ok_or(BackupError::NoTool(program))?);
    let (address, password) = without_password(url);
    command.arg("--dbname").arg(address);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    Ok(command)
}

fn find(folder: Option<&Path>, program: &str) -> Option<PathBuf> {
    let folders = match folder {
        Some(folder) => vec![folder.to_owned()],
        None => {
            let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
                .map(|all| all.flatten().map(|version| version.path().join("bin")).collect())
                .unwrap_or_default();
            // Newer ones copy older servers, not the other way round.
            versions.sort();
            versions.reverse();
            versions.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
            versions
        }
    };
    folders.into_iter().map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// The address without its password, and the password.
fn without_password(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let Some((user, host)) = authority.rsplit_once('@') else { return (url.to_owned(), None) };
    let Some((name, password)) = user.split_once(':') else { return (url.to_owned(), None) };
    (format!("{scheme}://{name}@{host}{path}"), Some(decoded(password)))
}

/// Percent signs with two hexadecimal digits stand for bytes.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, more @ ..] = rest {
        let two = more.get(..2).filter(|_| *first == b'%').and_then(|digits| hex::decode(digits).ok());
        match two.as_deref() {
            Some([byte]) => {
                bytes.push(*byte);
                rest = &more[2..];
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stands_in_no_argument() {
        for (url, address, password) in [
            (
                "postgres://ann:s%40cret@db:5432/w?sslmode=require",
                "postgres://ann@db:5432/w?sslmode=require",
                Some("s@cret"),
            ),
            ("postgres://ann@db/w", "postgres://ann@db/w", None),
            ("postgres:///w?host=/run/pg&user=ann", "postgres:///w?host=/run/pg&user=ann", None),
            ("postgres://ann:@db/w", "postgres://ann@db/w", Some("")),
            ("postgres://ann:100%@db/w", "postgres://ann@db/w", Some("100%")),
        ] {
            assert_eq!(without_password(url), (address.to_owned(), password.map(str::to_owned)), "{url}");
        }
    }

    #[test]
    fn a_folder_without_the_program_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(matches!(prepared(Some(dir.path()), "pg_dump", "postgres:///w"), Err(BackupError::NoTool("pg_dump"))));
    }
}
