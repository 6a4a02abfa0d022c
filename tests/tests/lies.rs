//! Probe.
use zktorch_tests::data::{table, tensor};
use zktorch_tests::fixture::Fixture;
use zktorch_tests::lying::Lie;
use zktorch_tests::toy::Toy;
use zktorch_blocks::add::Polynomial;
use zktorch_blocks::field::{Fr, from_i64, inverse_power_of_two};

#[test]
fn probe() {
    let toy = Toy::default();
    let (fixture, input) = Fixture::toy(&toy, 10);
    let go = |name: &str, lie: Lie<'_>| {
        let start = std::time::Instant::now();
        let o = fixture.tell(&[input.clone()], &lie);
        println!("{name:45} {:?} own {:?} violated {:?} {:?}", o.verdict, o.refused, o.violated, start.elapsed());
        o
    };
    let one = from_i64(1);
    let o = go("honest", Lie::none());
    let honest = fixture.honest(&[input.clone()]);
    println!("same bytes {} {}", o.proof.bytes == honest.proof.bytes, o.proof.bytes.len());
    let mut seen = std::collections::BTreeMap::new();
    for e in &o.log { *seen.entry((e.label, format!("{:?}", e.kind))).or_insert(0) += 1; }
    println!("{seen:?}");
    go("y1+1", Lie::none().run("y1", |v| v[2] += 1));
    go("y1-1", Lie::none().run("y1", |v| v[2] -= 1));
    go("field fraction", Lie::none().data(|d| {
        *d.at("y1.rem", &[0, 0, 2]) += from_i64(1);
        *d.at("y1", &[0, 0, 2]) -= inverse_power_of_two(3);
        d.count();
    }));
    go("f1+1", Lie::none().run("f1", |v| v[2] += 1));
    go("f1 pad", Lie::none().data(|d| *d.at("f1", &[3, 0, 0]) = from_i64(5)));
    go("X pad", Lie::none().data(|d| *d.at("X", &[0, 5, 0]) = from_i64(1)));
    go("y1 pad", Lie::none().data(|d| *d.at("y1", &[3, 0, 0]) = from_i64(1)));
    go("conv pad", Lie::none().data(|d| *d.at("conv", &[3, 0, 0]) = from_i64(1)));
    go("x2 pad", Lie::none().data(|d| *d.at("x2", &[3]) = from_i64(1)));
    go("input range", Lie::none().run("X", |v| v[0] = 100));
    go("mult+1", Lie::none().data(|d| d.counts("y1.rem")[0] += from_i64(1)));
    go("fake conv", Lie::none().run("conv", |v| v[2] += 24));
    go("fake x1", Lie::none().run("x1", |v| v[2] += 24));
    go("fake x2", Lie::none().run("x2", |v| v[0] += 32));
    go("public", Lie::none().statement(|s| s[0][0] += 1));
    for label in ["tree top", "tree rounds", "tree children", "leaf values", "wave rounds", "wave operands", "cross terms", "mask value"] {
        go(label, Lie::none().hidden(label, 0, move |v| v[0] += one));
        go(label, Lie::none().hidden(label, 1, move |v| v[0] += one));
    }
    for n in 0..8 { go(&format!("vector {n}"), Lie::none().vector(n, move |v| v[0] += one)); }
    for e in &o.log { print!("{} ", e.label); }
    let _ = (table(&toy.program(), "relu"), tensor(&toy.program(), "X"), Polynomial::Tensor(0), Fr::from(1u64));
}
