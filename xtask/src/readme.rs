//! What the README shows is what the files say: a code block under a paragraph that links to a file stands in that
//! file, line by line and without a gap. Refuses code that no file stands behind, commands to type excepted.

use crate::run::root;
use anyhow::{Context, Result};
use std::fs;

/// Languages of blocks that are typed or looked at, not shown from a file.
const WITHOUT_FILE: [&str; 2] = ["sh", "text"];

/// All that is wrong with the README.
pub fn check() -> Result<Vec<String>> {
    let text = fs::read_to_string(root().join("README.md")).context("cannot read README.md")?;
    Ok(against(&text, |file| fs::read_to_string(root().join(file)).ok()))
}

fn against(readme: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut problems = Vec::new();
    let mut lines = readme.lines().enumerate();
    // The file that the paragraph above links to last.
    let mut linked = None;
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            let place = format!("README.md:{}", number + 1);
            match linked.take() {
                None if WITHOUT_FILE.contains(&language) => {}
                None => problems.push(format!("{place}: no file is named for this code")),
                Some(file) => match read(file) {
                    Some(text) if contains(&text, &block) => {}
                    Some(_) => problems.push(format!("{place}: {file} reads otherwise")),
                    None => problems.push(format!("{place}: {file} does not exist")),
                },
            }
        } else if line.starts_with('#') {
            linked = None;
        } else if let Some((_, rest)) = line.rsplit_once("](") {
            linked = rest.split_once(')').map(|(file, _)| file);
        }
    }
    problems
}

/// Whether the lines of `block` follow each other in `text`, whatever they are indented by.
fn contains(text: &str, block: &[&str]) -> bool {
    let bare = |line: &str| line.trim_start_matches("//!").trim().to_owned();
    let (text, block): (Vec<_>, Vec<_>) = (text.lines().map(bare).collect(), block.iter().map(|l| bare(l)).collect());
    !block.is_empty() && text.windows(block.len()).any(|window| window == block)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(block: &str) -> usize {
        let readme = format!("# A\n\n```sh\nls\n```\n\nLook at [it](a.py):\n\n```python\n{block}\n```\n");
        against(&readme, |file| (file == "a.py").then(|| "def f():\n    one()\n    two()\n    three()\n".to_owned()))
            .len()
    }

    #[test]
    fn a_block_stands_in_its_file_without_a_gap() {
        assert_eq!(problems("two()\nthree()"), 0);
        assert_eq!(problems("one()\nthree()"), 1);
        assert_eq!(problems("four()"), 1);
        assert_eq!(against("# A\n\n```python\nx\n```\n", |_| None).len(), 1);
        assert_eq!(against("[a](b.py)\n\n```python\nx\n```\n", |_| None).len(), 1);
    }

    #[test]
    fn the_readme_shows_what_the_files_say() {
        assert_eq!(check().unwrap(), Vec::<String>::new());
    }
}
