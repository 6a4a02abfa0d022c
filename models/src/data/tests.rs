use super::*;

#[test]
fn every_dataset() {
    let Some(zoo) = Zoo::locate_or_skip("every_dataset") else {
        return;
    };
    let expected = [
        (Dataset::MnistT10k, 10_000, 10),
        (Dataset::Mnist100, 100, 10),
        (Dataset::Cifar10Sample, 100, 10),
        (Dataset::Digits, 1797, 10),
        (Dataset::Iris, 150, 3),
        (Dataset::Wine, 178, 3),
        (Dataset::BreastCancer, 569, 2),
    ];
    for (dataset, samples, classes) in expected {
        let read = load(&zoo, dataset).unwrap();
        assert_eq!(read.len(), samples, "{dataset:?}");
        assert_eq!(read.labels.iter().max(), Some(&(classes - 1)), "{dataset:?}");
        assert_eq!(read.iter().count(), samples);
    }
}

#[test]
fn the_two_mnist_files_agree() {
    let Some(zoo) = Zoo::locate_or_skip("the_two_mnist_files_agree") else {
        return;
    };
    let all = load(&zoo, Dataset::MnistT10k).unwrap();
    let some = load(&zoo, Dataset::Mnist100).unwrap();
    assert_eq!(some.shape, all.shape);
    assert_eq!(some.images, all.images[..100]);
    assert_eq!(some.labels, all.labels[..100]);
}

/// The zoo's sample of each classifier is an image of its data set, preprocessed.
#[test]
fn preprocessing_reproduces_the_samples() {
    let Some(zoo) = Zoo::locate_or_skip("preprocessing_reproduces_the_samples") else {
        return;
    };
    let models = [
        ("mnist_cnn_ms", Dataset::MnistT10k),
        ("mnist_mlp_onnxmlir", Dataset::MnistT10k),
        ("resnet20_cifar10", Dataset::Cifar10Sample),
        ("mlperf_tiny_resnet8_cifar10", Dataset::Cifar10Sample),
    ];
    for (name, dataset) in models {
        let sample = zoo.model(name).unwrap().read_inputs().unwrap().remove(0).values.to_f32();
        let preprocess = preprocessing(name).unwrap();
        let images = load(&zoo, dataset).unwrap();
        let found = images.images.iter().any(|image| {
            let input = preprocess.apply(image, &images.shape).unwrap();
            input.iter().zip(&sample).all(|(a, b)| (a - b).abs() < 1e-5)
        });
        assert!(found, "no image of {dataset:?} becomes the sample of {name}");
    }
}

#[test]
fn preprocess_layouts() {
    let chw = preprocessing("resnet20_cifar10").unwrap();
    let image = [0.0, 127.5, 255.0, 255.0, 127.5, 0.0];
    let input = chw.apply(&image, &[1, 2, 3]).unwrap();
    assert_eq!(input[1], (1.0 - 0.485) / 0.229);
    assert_eq!(input[4], (1.0 - 0.406) / 0.225);
    let hwc = preprocessing("mlperf_tiny_resnet8_cifar10").unwrap();
    assert_eq!(hwc.apply(&image, &[1, 2, 3]).unwrap(), image);
    for shape in [vec![1, 2, 1], vec![2, 2, 3], vec![6], vec![usize::MAX, usize::MAX, 3]] {
        assert!(chw.apply(&image, &shape).is_err(), "{shape:?} was accepted");
    }
    assert!(preprocessing("acasxu_1_1").is_none());
}

#[test]
fn damaged_files() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("models")).unwrap();
    let zoo = Zoo::at(folder.path()).unwrap();
    assert!(matches!(load(&zoo, Dataset::MnistT10k), Err(Error::Io { .. })));
    let data = zoo.data("mnist_t10k");
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("t10k-images-idx3-ubyte.gz"), b"\x1f\x8b\x08damaged").unwrap();
    assert!(matches!(load(&zoo, Dataset::MnistT10k), Err(Error::Format { .. })));
}

#[test]
fn labels_and_samples_have_to_agree() {
    assert!(Labelled::new(vec![vec![1.0]], vec![], vec![1]).is_err());
    assert!(Labelled::new(vec![vec![1.0]], vec![0], vec![2]).is_err());
    assert!(Labelled::new(vec![vec![1.0]], vec![0], vec![1]).is_ok());
}
