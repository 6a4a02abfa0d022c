//! Operators that people have, and that are not read: why, and what to do instead.

/// Names of ONNX's own operators, each with a reason.
const UNREAD: &[(&str, &str)] = &[
    ("Bernoulli", DRAWS),
    ("BitCast", "the bits of a float are no integers of a program: leave the floats as they are"),
    ("Multinomial", DRAWS),
    (
        "NonMaxSuppression",
        "how many boxes it keeps depends on inputs, and the shapes of a program do not: prove boxes and scores, and keep the best of them \
         outside",
    ),
    ("RandomNormal", DRAWS),
    ("RandomNormalLike", DRAWS),
    ("RandomUniform", DRAWS),
    ("RandomUniformLike", DRAWS),
    ("RegexFullMatch", TEXT),
    ("StringConcat", TEXT),
    ("StringNormalizer", TEXT),
    ("StringSplit", TEXT),
    (
        "Unique",
        "how many entries it has depends on inputs, and the shapes of a program do not: `TopK` sorts, and leaves all entries",
    ),
];
const DRAWS: &str = "it draws numbers, of which a proof would have nobody's word: make them an input";
const TEXT: &str = "it is about text, and a proof is about numbers: give texts numbers before export";

/// Why an operator is not read, where there is more to say than that.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    UNREAD.iter().find(|(own, _)| *own == name).map(|(_, reason)| *reason)
}
