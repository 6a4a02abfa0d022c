//! `completions` and `man`: the command line for shells and for readers of manuals.

use crate::args::{Cli, Completions, Man};
use crate::outcome::Outcome;
use clap::CommandFactory;
use clap_mangen::Man as Page;
use serde_json::json;
use zktorch_engine::{Failure, write};

/// A script that completes words of the command line.
pub fn completions(args: &Completions) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "zktorch", &mut script);
    let script = String::from_utf8(script).map_err(Failure::internal)?;
    let json = json!({ "shell": args.shell.to_string(), "script": script });
    Ok(Outcome::done(script, json))
}

/// The manual: the page of the program, or all pages in a folder.
pub fn man(args: &Man) -> Result<Outcome, Failure> {
    let mut all = Cli::command();
    all.build();
    let Some(dir) = &args.dir else {
        let page = page(all)?;
        return Ok(Outcome::done(page.clone(), json!({ "page": page })));
    };
    let own = all.get_subcommands().filter(|command| command.get_name() != "help").cloned();
    let pages: Vec<clap::Command> = own.chain([all.clone()]).collect();
    std::fs::create_dir_all(dir).map_err(|e| Failure::file("write", dir, e))?;
    let mut files = Vec::new();
    for command in pages {
        let path = dir.join(format!("{}.1", command.get_display_name().unwrap_or(command.get_name())));
        write(&path, page(command)?.as_bytes(), false)?;
        files.push(path.display().to_string());
    }
    Ok(Outcome::done(files.join("\n"), json!({ "files": files })))
}

/// A page in the language of manuals.
fn page(command: clap::Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    Page::new(command).render(&mut page).map_err(Failure::internal)?;
    String::from_utf8(page).map_err(Failure::internal)
}
