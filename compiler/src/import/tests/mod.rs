mod archive;
mod conformance;
mod errors;
mod onnx;
mod zoo;
