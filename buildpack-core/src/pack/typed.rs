//! Commands as a person would type them.

/// `argv` as a line of bash.
pub(super) fn typed(argv: &[String]) -> String {
    let words: Vec<String> = argv.iter().map(|word| quoted(word)).collect();
    words.join(" ")
}

/// The same for people: of `bash -c TEXT` the text itself. Typed into a shell, an `exit` in it would end the shell.
pub(super) fn shown(argv: &[String]) -> String {
    match argv {
        [bash, flag, text] if bash == "bash" && flag == "-c" => text.clone(),
        argv => typed(argv),
    }
}

/// The word with quotes around it where bash would not take it as it is.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-+=:,./@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn what_is_typed_is_what_was_run() {
        let argv = words(&[
            "printf",
            "[%s]",
            "",
            "a b",
            "it's",
            "$HOME",
            "*",
            "a\nb",
            "--only=prod",
            "+",
        ]);
        let output = Command::new("bash").arg("-c").arg(typed(&argv)).output();
        assert_eq!(
            String::from_utf8_lossy(&output.unwrap().stdout),
            "[][a b][it's][$HOME][*][a\nb][--only=prod][+]"
        );
    }

    #[test]
    fn nothing_is_quoted_that_need_not_be() {
        let task = words(&["mix", "do", "deps.get", "--only", "prod", "+", "compile"]);
        assert_eq!(typed(&task), "mix do deps.get --only prod + compile");
        let hook = words(&["bash", "-c", "a && exit 1"]);
        assert_eq!(typed(&hook), "bash -c 'a && exit 1'");
        assert_eq!(shown(&hook), "a && exit 1");
        assert_eq!(shown(&task), typed(&task));
    }
}
