mod archive;
mod conformance;
mod errors;
mod onnx;
mod types;
mod zoo;
