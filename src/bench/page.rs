//! A benchmark as one HTML page that needs nothing else: curves, differences, every theorem.

use anyhow::Result;

use super::summary::Summary;

const PAGE: &str = include_str!("page.html");

/// The page. Data stands in it as JSON, with `<` escaped, so that no text of a theorem can end the script.
///
/// # Errors
/// Never in practice: a summary is plain data.
pub fn write(summary: &Summary) -> Result<String> {
    crate::report::fill_page(PAGE, summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::summary::tests::summary;

    #[test]
    fn no_name_ends_the_script() {
        let page = write(&summary(&[("</script><b>", "x", 0, true)])).unwrap();
        assert!(!page.contains("</script><b>") && page.contains("\\u003c/script>"));
        assert!(!page.contains("/*DATA*/"));
    }
}
