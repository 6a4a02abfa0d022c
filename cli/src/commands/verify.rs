//! `verify`: what a proof shows, or why it shows nothing.

use super::{blobs, tokenizer};
use crate::args::Verify;
use crate::outcome::Outcome;
use crate::progress::Talk;
use zktorch_engine::{Failure, Given, VerifyOptions, paired, verify};

pub fn command(args: &Verify, talk: Talk) -> Result<Outcome, Failure> {
    let subjects = paired(&blobs(&args.key), &blobs(&args.proof))?;
    let options = VerifyOptions {
        require: args.require.iter().map(|&requirement| requirement.into()).collect(),
        bind: blobs(&args.bind),
        input: args.input.as_deref().map(Given::from),
        seed: args.seed.clone(),
        tokenizer: tokenizer(args.tokenizer.as_deref())?,
        remember: true,
    };
    let verified = verify(&subjects, &options, &mut talk.terminal())?;
    Ok(Outcome { accepted: verified.accepted(), text: verified.text(), json: verified.json() })
}
