//! What the tokens of Elixir source are.

use proptest::prelude::*;

use super::*;

/// Tokens in short: texts in quotes, atoms with a colon before, keys with one behind.
fn short(text: &str) -> String {
    let code = Code::read(text);
    let all: Vec<String> = code
        .tokens
        .iter()
        .map(|token| match &token.kind {
            Kind::Text(content) => format!("{:?}", content.value),
            Kind::Atom(content) => format!(":{}", content.value),
            Kind::Key(content) => format!("{}:", content.value),
            Kind::Word(word) | Kind::Alias(word) | Kind::Operator(word) => (*word).to_owned(),
            Kind::Number => "number".into(),
            Kind::Char => "char".into(),
            Kind::Sigil => "sigil".into(),
            Kind::Open(bracket) => format!("<{bracket:?}"),
            Kind::Close(bracket) => format!("{bracket:?}>"),
        })
        .collect();
    all.join(" ")
}

#[test]
fn tells_tokens_apart() {
    for (text, expected) in [
        (r#""a\tb\x41\u{e9}\"" 'c'"#, r#""a\tbAé\"" "c""#),
        (
            r#":a :"b c" :d? :+ :{} :<<>> :"\x41""#,
            ":a :b c :d? :+ :{} :<<>> :A",
        ),
        (
            r#"a: 1, "b.c": 2, d?: 3, :e"#,
            "a: number , b.c: number , d?: number , :e",
        ),
        ("a ? b", "a char b"),
        (
            "[?\", ?\\s, ?#, ?é] # ?\"",
            "<Square char , char , char , char Square>",
        ),
        ("x.end fn -> end", "x . end fn -> end"),
        (
            "1_000 1.5e10 0xFF 1..2",
            "number number number number .. number",
        ),
        (
            "a::b ~> c <<1::8>>",
            "a :: b ~> c <Binary number :: number Binary>",
        ),
        (
            "~r/a\"\\/#{b}/u ~s(c) ~S\"d\" ~w[e f]a",
            "<Text b Text> \"c\" \"d\" sigil",
        ),
        ("~HTML{x} ~U[2020] ~~~a", "sigil sigil ~~~ a"),
        (
            "\"a#{b <> \"c#{%{d: {1}}}\"}e\" f",
            "<Text b <> <Text % <Curly d: <Curly number Curly> Curly> Text> Text> f",
        ),
        ("\"\"\"\n  a \" '\n  \"\"\" b", "\"\\n  a \\\" '\\n  \" b"),
        ("\"\"\"\na \\\n\"\"\" b", "\"\\na \\\\\\n\" b"),
        ("~S'''\n#{a}\n''' b", "\"\\n#{a}\\n\" b"),
        ("a # \"b\nc; d \\\n e", "a c d e"),
        (
            "foo!=1 foo! =1 a != b",
            "foo != number foo! = number a != b",
        ),
        ("größe.ünd", "größe . ünd"),
        ("&1 && &a/1", "& number && & a / number"),
    ] {
        assert_eq!(short(text), expected, "{text}");
    }
}

#[test]
fn a_place_is_what_stands_between_the_quotes() {
    let text = "[\"a b\": ~s(c), d: :\"e\"]";
    let code = Code::read(text);
    let inner: Vec<&str> = code
        .tokens
        .iter()
        .filter_map(|token| match &token.kind {
            Kind::Text(content) | Kind::Atom(content) | Kind::Key(content) => {
                Some(&text[content.span.clone()])
            }
            _ => None,
        })
        .collect();
    assert_eq!(inner, ["a b", "c", "d", "e"]);
}

#[test]
fn says_where_it_does_not_fit_together() {
    for (text, broken) in [
        ("a (b) [c] do end fn -> end", None),
        ("x \"abc\ndef", Some("\"abc")),
        ("a ]", Some("]")),
        ("a ( [ b )", Some("[")),
        ("if a do b", Some("do")),
        ("\"#{ ( }\"", Some("(")),
    ] {
        let found = Code::read(text).broken.map(|range| &text[range]);
        assert_eq!(found, broken, "{text}");
    }
}

#[test]
fn an_expression_ends_with_its_line_unless_it_goes_on() {
    for (text, first) in [
        ("a 1\nb", "a 1"),
        ("a 1,\n  2\nb", "a 1,\n  2"),
        ("a\n|> b\nc", "a\n|> b"),
        ("a ||\n b\nc", "a ||\n b"),
        ("a = [\n1\n]\nb", "a = [\n1\n]"),
        ("if a do\n b\nend\nc", "if a do\n b\nend"),
        ("a\n@b", "a"),
        ("a; b", "a"),
    ] {
        let code = Code::read(text);
        let bytes = code.bytes(0..code.end_of_expression(0));
        assert_eq!(&text[bytes], first, "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_gives_tokens_in_order(
        text in "(\\PC|\n|[\"'#{}()<>~:?\\\\]|~s|\"\"\"|do |end |fn ){0,60}"
    ) {
        let code = Code::read(&text);
        let mut end = 0;
        for (index, token) in code.tokens.iter().enumerate() {
            prop_assert!(token.span.start >= end && token.span.end >= token.span.start);
            prop_assert!(text.get(token.span.clone()).is_some());
            if let Kind::Text(content) | Kind::Atom(content) | Kind::Key(content) = &token.kind {
                prop_assert!(text.get(content.span.clone()).is_some());
            }
            prop_assert!(code.after(index) > index && code.after(index) <= code.tokens.len());
            prop_assert!(code.end_of_expression(index) > index);
            end = token.span.end;
        }
    }
}
