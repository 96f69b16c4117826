//! Shortens items, so that a change of the API is readable in a review. No change of the API becomes invisible.

/// Traits that are derived, or written by hand with the same methods: their methods say nothing beyond their names.
const STANDARD: [&str; 9] = [
    "core::clone::Clone",
    "core::cmp::Eq",
    "core::cmp::Ord",
    "core::cmp::PartialEq",
    "core::cmp::PartialOrd",
    "core::default::Default",
    "core::fmt::Debug",
    "core::hash::Hash",
    "core::marker::Copy",
];

/// Types of the prelude, and what a signature is read with.
const SHORT: [(&str, &str); 11] = [
    ("core::option::Option", "Option"),
    ("core::result::Result", "Result"),
    ("core::marker::Send", "Send"),
    ("core::marker::Sync", "Sync"),
    ("core::marker::Sized", "Sized"),
    ("core::future::future::Future", "Future"),
    ("core::pin::Pin", "Pin"),
    ("alloc::string::String", "String"),
    ("alloc::vec::Vec", "Vec"),
    ("alloc::boxed::Box", "Box"),
    ("alloc::sync::Arc", "Arc"),
];

/// Returns the lines of a listing, in the order of the items.
pub(crate) fn lines(items: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut index = 0;
    while let Some(item) = items.get(index) {
        index += 1;
        if let Some((prefix, name, target)) = standard_impl(item) {
            // One line for all of them: `impl Clone + Debug for Type`.
            let mut names = vec![name];
            while let Some(next) = items.get(index) {
                match standard_impl(next) {
                    Some((other, name, same)) if (other, same) == (prefix, target) => names.push(name),
                    None if is_method_of(next, names.last().copied()) || is_structural(next) => {}
                    Some(_) | None => break,
                }
                index += 1;
            }
            lines.push(shorten(&format!("{prefix} {} for {target}", names.join(" + "))));
        } else if !is_structural(item) {
            lines.push(shorten(&without_async_trait(item)));
        }
    }
    lines
}

/// Splits `impl<T> core::clone::Clone for Type<T>` into `impl<T>`, `Clone` and `Type<T>`.
fn standard_impl(item: &str) -> Option<(&str, &str, &str)> {
    let (head, target) = item.split_once(" for ").filter(|_| item.starts_with("impl"))?;
    let (prefix, path) = head.rsplit_once(' ')?;
    let name = STANDARD.iter().find(|known| **known == path)?.rsplit("::").next()?;
    Some((prefix, name, target))
}

/// The mark that a type may be used in a pattern comes with a derived `PartialEq`.
fn is_structural(item: &str) -> bool {
    item.contains(" core::marker::StructuralPartialEq for ")
}

fn is_method_of(item: &str, name: Option<&str>) -> bool {
    let methods: &[&str] = match name {
        Some("Clone") => &["clone"],
        Some("Ord") => &["cmp"],
        Some("PartialEq") => &["eq"],
        Some("PartialOrd") => &["partial_cmp"],
        Some("Default") => &["default"],
        Some("Debug") => &["fmt"],
        Some("Hash") => &["hash"],
        _ => &[],
    };
    let path =
        item.strip_prefix("pub fn ").and_then(|signature| signature.split('(').next()).unwrap_or_default();
    methods.iter().any(|method| {
        path.split('<').next().unwrap_or_default().ends_with(&format!("::{method}"))
            || path.ends_with(&format!(">::{method}"))
    })
}

/// Undoes what `#[async_trait]` makes of `async fn`.
fn without_async_trait(item: &str) -> String {
    const OPENS: &str = " -> core::pin::Pin<alloc::boxed::Box<(dyn core::future::future::Future<Output = ";
    const CLOSES: &str = "> + core::marker::Send + 'async_trait)>>";
    let parts = item.split_once(OPENS).and_then(|(head, rest)| {
        let (output, bounds) = rest.split_once(CLOSES)?;
        Some((head.strip_prefix("pub fn ")?, output, bounds))
    });
    // Bounds other than those of the macro would be lost: such an item stays as it is.
    let Some((head, output, bounds)) = parts.filter(|(_, _, bounds)| are_of_async_trait(bounds)) else {
        return item.to_owned();
    };
    debug_assert!(bounds.is_empty() || bounds.starts_with(" where "), "bounds follow the result");
    let mut signature = String::with_capacity(head.len());
    let mut rest = head;
    // `<'life0, 'a, 'async_trait>` becomes `<'a>`, and `&'life0 self` becomes `&self`.
    while let Some((before, after)) = rest.split_once('\'') {
        let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(after.len());
        let (lifetime, tail) = after.split_at(end);
        signature.push_str(before);
        if is_of_async_trait(lifetime) {
            rest = tail.strip_prefix(", ").or_else(|| tail.strip_prefix(' ')).unwrap_or(tail);
        } else {
            signature.push('\'');
            signature.push_str(lifetime);
            rest = tail;
        }
    }
    signature.push_str(rest);
    let signature = signature.replace("<>(", "(").replace(", >(", ">(");
    if output == "()" {
        format!("pub async fn {signature}")
    } else {
        format!("pub async fn {signature} -> {output}")
    }
}

fn is_of_async_trait(lifetime: &str) -> bool {
    lifetime == "async_trait"
        || lifetime.strip_prefix("life").is_some_and(|number| number.chars().all(|c| c.is_ascii_digit()))
}

fn are_of_async_trait(bounds: &str) -> bool {
    bounds.strip_prefix(" where ").is_none_or(|bounds| {
        bounds.split(", ").all(|bound| {
            bound == "Self: core::marker::Sync + 'async_trait" || bound.ends_with(": 'async_trait")
        })
    })
}

fn shorten(item: &str) -> String {
    SHORT.iter().fold(item.to_owned(), |item, (long, short)| item.replace(long, short))
}

#[cfg(test)]
mod tests {
    use super::lines;

    fn listed(items: &[&str]) -> Vec<String> {
        lines(&items.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn standard_traits_of_a_type_share_a_line() {
        let items = [
            "pub struct a::Id",
            "impl core::clone::Clone for a::Id",
            "pub fn a::Id::clone(&self) -> a::Id",
            "impl core::cmp::PartialEq for a::Id",
            "pub fn a::Id::eq(&self, &a::Id) -> bool",
            "impl core::marker::StructuralPartialEq for a::Id",
            "impl core::clone::Clone for a::Other",
            "pub fn a::Other::clone(&self) -> a::Other",
            "pub fn a::Other::next(&self) -> a::Other",
        ];
        assert_eq!(
            listed(&items),
            [
                "pub struct a::Id",
                "impl Clone + PartialEq for a::Id",
                "impl Clone for a::Other",
                "pub fn a::Other::next(&self) -> a::Other"
            ]
        );
    }

    #[test]
    fn other_traits_keep_their_methods() {
        let items =
            ["impl core::fmt::Display for a::Id", "pub fn a::Id::fmt(&self, &mut core::fmt::Formatter<'_>)"];
        assert_eq!(listed(&items), items);
    }

    #[test]
    fn async_methods_are_shown_as_written() {
        let future = |output: &str| {
            format!(
                "core::pin::Pin<alloc::boxed::Box<(dyn core::future::future::Future<Output = {output}> + \
                 core::marker::Send + 'async_trait)>>"
            )
        };
        let bounds = "where Self: 'async_trait, 'life0: 'async_trait, 'a: 'async_trait";
        let find = format!(
            "pub fn a::Port::find<'life0, 'life1, 'a, 'async_trait>(&'life0 self, &'life1 str, a::Key<'a>) -> {} {bounds}",
            future("core::option::Option<a::Id>")
        );
        let close =
            format!("pub fn a::Port::close<'life0, 'async_trait>(&'life0 self) -> {} {bounds}", future("()"));
        assert_eq!(
            listed(&[&find, &close]),
            [
                "pub async fn a::Port::find<'a>(&self, &str, a::Key<'a>) -> Option<a::Id>",
                "pub async fn a::Port::close(&self)"
            ]
        );
    }

    #[test]
    fn a_bound_of_the_author_stays_visible() {
        let item = "pub fn a::Port::run<'async_trait, F>(F) -> core::pin::Pin<alloc::boxed::Box<(dyn \
                    core::future::future::Future<Output = ()> + core::marker::Send + 'async_trait)>> where F: \
                    core::ops::function::Fn() + 'async_trait, F: 'async_trait";
        assert!(listed(&[item])[0].contains("core::ops::function::Fn()"));
    }
}
