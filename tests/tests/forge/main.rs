//! Cheats, by the place at which the cheater leaves the protocol: each test makes one kind of forgery, and says which check refuses it or
//! which rule it needs to be broken. `tests/tests/advice` has the cheats about lowerings, relation by relation.

/// The witness is false, and everything after it is honest: the prover commits to values that do not satisfy the program, and then runs the
/// argument on them as it is written. Such a lie ends in a constraint that its own messages violate, and each test names the constraint.
mod witness {
    mod compiled;
    mod values;
    mod waves;
}

/// The witness is true, and one message is not what the protocol says: other scalars, another slot, a point with a part of small order.
/// The prover chooses the message without a look at the challenges, and goes on as if it were right.
mod message {
    mod places;
    mod scalars;
    mod torsion;
}

/// What is false is repaired: the prover runs the conversation once, learns challenges and errors, and computes later or other messages
/// from them, so that the errors cancel wherever challenges drawn afterwards do not keep them apart.
mod adaptive {
    mod phases;
    mod repair;
}

/// The verifier is broken on purpose: one challenge is tossed before the message that it should follow, and the prover knows it. Here, and
/// here alone, false statements are accepted. The same prover is refused where challenges are hashed, so each shows what a challenge is for.
mod known_challenge {
    mod closing;
    mod hidden;
}

/// No prover takes part: a finished proof, its statement or its key is changed, or shown in another place than its own. Whoever does it
/// needs no secret, and each message, value and part of a key is changed in every way there is.
mod tamper {
    mod replay;
    mod statement;
    mod sweep;
}
