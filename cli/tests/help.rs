//! What `--help` says, word for word. After a change: `INSTA_UPDATE=always cargo test --release -p zktorch --test help`, and read
//! the difference.

use std::process::Command;

fn help(command: Option<&str>) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_zktorch")).args(command).arg("--help").output().expect("it runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn help_says_what_it_said() {
    let all = help(None);
    insta::assert_snapshot!("zktorch", all);
    let listed = all.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Long descriptions go on in deeper lines.
    let own = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> = own.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.contains(&"compile") && names.contains(&"verify"), "{names:?}");
    for name in names {
        insta::assert_snapshot!(name, help(Some(name)));
    }
}
