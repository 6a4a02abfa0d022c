use super::*;

#[test]
fn a_folder_without_models_is_no_zoo() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Zoo::at(folder.path()).is_none());
}

#[test]
fn a_broken_model_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("models/broken");
    std::fs::create_dir_all(model.join("test_data_set_0")).unwrap();
    let zoo = Zoo::at(folder.path()).unwrap();
    assert!(matches!(zoo.model("broken"), Err(Error::UnknownModel { .. })));
    assert!(zoo.models().unwrap().is_empty());
    std::fs::write(model.join("model.onnx"), []).unwrap();
    assert!(matches!(zoo.models(), Err(Error::Io { .. })));
    std::fs::write(model.join("meta.json"), "{}").unwrap();
    let error = zoo.models().unwrap_err();
    assert!(matches!(error, Error::Json { .. }));
    assert!(error.to_string().contains("broken"), "{error}");
}

#[test]
fn every_model_and_its_samples() {
    let Some(zoo) = Zoo::locate_or_skip("every_model_and_its_samples") else {
        return;
    };
    let models = zoo.models().unwrap();
    assert!(!models.is_empty());
    for model in models {
        check_sample(&model.name, &model.meta.inputs, model.read_inputs().unwrap());
        check_sample(&model.name, &model.meta.outputs, model.read_outputs().unwrap());
    }
}

fn check_sample(name: &str, ports: &[ZooPort], tensors: Vec<TensorData>) {
    assert_eq!(ports.len(), tensors.len(), "{name}");
    for (port, tensor) in ports.iter().zip(tensors) {
        assert_eq!(port.used_shape, tensor.shape, "{name}, {}", port.name);
    }
}
