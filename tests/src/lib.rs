//! What the tests share: a toy convolutional network as a program, and its random weights.

pub mod toy;
