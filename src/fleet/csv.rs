//! Comma-separated values (RFC 4180), with the line of each record. Pure.

/// One record: the line it begins in, and its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Counted from 1.
    pub line: usize,
    /// What stands in it, without the quotes.
    pub fields: Vec<String>,
}

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: a quote that begins a field is never closed")]
pub struct Unclosed {
    /// Where the field begins, counted from 1.
    pub line: usize,
}

/// Reads a whole text. Lines without anything are left out.
///
/// # Errors
/// Where a quoted field does not end.
pub fn records(text: &str) -> Result<Vec<Record>, Unclosed> {
    let mut found = vec![];
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    let mut line = 1;
    while chars.peek().is_some() {
        let mut record = Record { line, fields: vec![] };
        loop {
            let begins = line;
            let mut field = String::new();
            if chars.next_if_eq(&'"').is_some() {
                loop {
                    match chars.next() {
                        Some('"') if chars.next_if_eq(&'"').is_some() => field.push('"'),
                        Some('"') => break,
                        Some(c) => {
                            line += usize::from(c == '\n');
                            field.push(c);
                        }
                        None => return Err(Unclosed { line: begins }),
                    }
                }
            }
            while let Some(c) = chars.next_if(|c| !matches!(c, ',' | '\n')) {
                field.push(c);
            }
            record.fields.push(field.trim().to_owned());
            match chars.next() {
                Some(',') => {}
                Some(_) => {
                    line += 1;
                    break;
                }
                None => break,
            }
        }
        if record.fields.iter().any(|field| !field.is_empty()) {
            found.push(record);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_with_their_lines() {
        let read = |text: &str| -> Vec<(usize, Vec<String>)> {
            records(text).expect(text).into_iter().map(|record| (record.line, record.fields)).collect()
        };
        let row = |line, fields: &[&str]| (line, fields.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>());
        for (text, wanted) in [
            ("", vec![]),
            ("\n\r\n,,\n", vec![]),
            ("a,b", vec![row(1, &["a", "b"])]),
            ("a,b\r\nc,\n", vec![row(1, &["a", "b"]), row(2, &["c", ""])]),
            ("\u{feff}a\n\nb\n", vec![row(1, &["a"]), row(3, &["b"])]),
            ("\"a,\"\"b\"\"\",c\n", vec![row(1, &["a,\"b\"", "c"])]),
            ("\"a\nb\",c\nd\n", vec![row(1, &["a\nb", "c"]), row(3, &["d"])]),
            ("\"a\"x,b", vec![row(1, &["ax", "b"])]),
            (" a , b ", vec![row(1, &["a", "b"])]),
        ] {
            assert_eq!(read(text), wanted, "{text:?}");
        }
        assert_eq!(records("a\n\"b\nc"), Err(Unclosed { line: 2 }));
    }
}
