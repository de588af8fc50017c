//! The kernels against the definition in plain loops that sum in f64, on every device of CubeCL that the tests are given.

use burn::tensor::{Tensor, TensorData};
use patchcore_config::backbone::plan::{Activation, ConvStep, Padding, Plan, Step, Tap};
use patchcore_config::{Architecture, Normalization};
use patchcore_cpu::network::oracle::{self, Planes};

use super::super::Network;
use super::super::test_networks::{values, weights};
use super::KernelNetwork;
use crate::cube::{MatrixUnit, cube_devices, cut_on_host};
use crate::device::ComputeDevice;

/// A convolution: channels in and out, groups, window, stride, rows and columns of the input.
#[derive(Debug, Clone, Copy)]
struct Case {
    channels: (usize, usize),
    groups: usize,
    kernel: usize,
    stride: usize,
    size: (usize, usize),
    padding: Padding,
    activation: Activation,
    /// Whether inputs are first scaled and shifted.
    prologue: bool,
    /// Whether the output of a first one is added to that of a second one.
    adds: bool,
}

const PLAIN: Case = Case {
    channels: (16, 24),
    groups: 1,
    kernel: 3,
    stride: 1,
    size: (9, 11),
    padding: Padding::Symmetric(1),
    activation: Activation::Identity,
    prologue: false,
    adds: false,
};

const POINTWISE: Case = Case { kernel: 1, padding: Padding::Symmetric(0), ..PLAIN };

impl Case {
    fn plan(&self) -> Plan {
        let conv = |name: &str, from, to, in_channels, add, stride| {
            Step::Conv(ConvStep {
                name: name.to_owned(),
                from,
                to,
                in_channels,
                out_channels: self.channels.1,
                kernel: self.kernel,
                stride,
                padding: self.padding,
                groups: self.groups,
                prologue: self.prologue,
                add,
                activation: self.activation,
            })
        };
        let mut steps = vec![conv("first", 0, 1, self.channels.0, None, self.stride)];
        if self.adds {
            steps.push(conv("second", 1, 2, self.channels.1, Some(1), 1));
        }
        let tap = |slot: usize| Tap { layer: format!("{slot}"), slot, channels: self.channels.1, stride: self.stride };
        // The last slot alone: what lies before it is given up at its last use.
        Plan { taps: vec![tap(steps.len())], slots: steps.len() + 1, steps }
    }
}

fn cases() -> Vec<Case> {
    vec![
        PLAIN,
        // The first convolution of a network, on planes of a photo.
        Case {
            channels: (3, 16),
            stride: 2,
            padding: Padding::Same,
            activation: Activation::Relu6,
            size: (33, 30),
            ..PLAIN
        },
        Case { channels: (3, 8), kernel: 7, stride: 2, padding: Padding::Symmetric(3), size: (21, 23), ..PLAIN },
        // Channels that no vector and no tile divides.
        Case { channels: (5, 6), activation: Activation::Relu, ..PLAIN },
        Case { channels: (12, 20), kernel: 1, stride: 2, padding: Padding::Symmetric(0), ..PLAIN },
        // Groups of several channels, of which a tile holds a part or more than one.
        Case { channels: (32, 64), groups: 4, ..PLAIN },
        Case { channels: (8, 8), groups: 2, stride: 2, ..PLAIN },
        Case { channels: (6, 9), groups: 3, ..PLAIN },
        // Groups of a ResNeXt: four channels, of which a unit computes no more, and eight, which end within a cube.
        Case { channels: (128, 128), groups: 32, adds: true, activation: Activation::Relu, size: (5, 6), ..PLAIN },
        Case { channels: (40, 40), groups: 5, stride: 2, ..PLAIN },
        Case { channels: (12, 9), groups: 3, adds: false, ..PLAIN },
        // Scaled, shifted and cut at zero before the products, with four channels at once and with one.
        Case { prologue: true, adds: true, activation: Activation::Relu, ..POINTWISE },
        Case { prologue: true, channels: (7, 5), ..POINTWISE },
        // Depthwise, with four channels at once and with one.
        Case { channels: (16, 16), groups: 16, padding: Padding::Same, activation: Activation::Relu6, ..PLAIN },
        Case { channels: (16, 16), groups: 16, kernel: 5, stride: 2, padding: Padding::Same, size: (14, 15), ..PLAIN },
        Case { channels: (7, 7), groups: 7, adds: true, activation: Activation::Relu, ..PLAIN },
        Case { channels: (16, 16), adds: true, activation: Activation::Relu, ..PLAIN },
    ]
}

/// Largest difference of the taps of `images` photos from the definition, as a share of the largest value. `cut` is applied to weights
/// and photos before the definition sees them.
fn deviation(case: &Case, images: usize, device: &ComputeDevice, cut: u32) -> f32 {
    deviation_with(case, images, device, (cut, None))
}

fn deviation_with(case: &Case, images: usize, device: &ComputeDevice, (cut, unit): (u32, Option<MatrixUnit>)) -> f32 {
    let plan = case.plan();
    let mut weights = weights(&plan);
    let (height, width) = case.size;
    let (channels, plane) = (case.channels.0, height * width);
    let mut pixels = values(images * channels * plane, 77);
    let network = KernelNetwork::with_unit(&plan, &weights, None, device, unit).unwrap();
    let data = TensorData::new(pixels.clone(), [images, channels, height, width]);
    let maps = network.maps(Tensor::<4>::from_data(data, device.burn().unwrap()));
    let found = maps.taps.iter().map(|(start, shape)| maps.planes(*start, *shape).try_into_vec_as::<f32>().unwrap());
    let found: Vec<Vec<f32>> = found.collect();
    let of_factors = |value: &mut f32| *value = cut_on_host(*value, cut);
    pixels.iter_mut().for_each(of_factors);
    let tensors = weights.tensors.iter_mut().filter(|(name, _)| name.ends_with("weight"));
    tensors.flat_map(|(_, tensor)| &mut tensor.data).for_each(of_factors);
    let expected: Vec<Vec<Planes>> = pixels
        .chunks(channels * plane)
        .map(|photo| oracle::forward(&plan, &weights, Planes { channels, height, width, data: photo.to_vec() }))
        .collect();
    let mut worst = 0.0f32;
    for (tap, found) in found.iter().enumerate() {
        let expected: Vec<f32> = expected.iter().flat_map(|photo| &photo[tap].data).copied().collect();
        assert_eq!(found.len(), expected.len(), "{case:?}");
        let scale = expected.iter().fold(1e-9f32, |scale, value| scale.max(value.abs()));
        let off = found.iter().zip(&expected).map(|(found, expected)| (found - expected).abs() / scale);
        worst = off.fold(worst, |worst, off| if off.is_nan() { f32::INFINITY } else { worst.max(off) });
    }
    worst
}

#[test]
fn every_convolution_gives_what_its_definition_gives() {
    for device in cube_devices() {
        for case in cases() {
            for images in [1, 3] {
                let off = deviation(&case, images, &device, 23);
                assert!(off < 2e-6, "{case:?}, {images} photos on {}: {off:e}", device.name());
            }
        }
    }
}

/// One step, so that what the kernel cuts is what the test cuts.
#[test]
fn a_simulated_device_cuts_the_factors_of_every_kind_of_convolution() {
    let kinds =
        [PLAIN, Case { channels: (16, 16), groups: 16, ..PLAIN }, Case { channels: (32, 64), groups: 4, ..PLAIN }];
    for device in cube_devices() {
        for case in kinds {
            let cut = device.clone().with_simulated_bits(10);
            let (as_cut, as_f32) = (deviation(&case, 1, &cut, 10), deviation(&case, 1, &cut, 23));
            assert!(as_cut < 2e-6, "{case:?}: {as_cut:e}");
            // Far beyond what another order of summation does.
            assert!(as_f32 > 5e-5, "{case:?}: {as_f32:e}");
        }
    }
}

/// Slices, blocks and epilogue of the kernel for matrix units, whose fragments only such hardware can run. The first step has planes of a
/// photo and is none for units; the second one is.
#[test]
fn what_surrounds_matrix_units_is_right() {
    let unit = Some(MatrixUnit::Emulated);
    for device in cube_devices() {
        let activation = Activation::Relu;
        let cases = [
            Case { channels: (3, 72), adds: true, activation, size: (10, 13), ..PLAIN },
            Case { channels: (160, 160), groups: 4, adds: true, activation: Activation::Relu6, ..PLAIN },
            Case { channels: (32, 70), adds: true, prologue: true, activation, ..POINTWISE },
            Case { channels: (20, 20), kernel: 1, padding: Padding::Symmetric(0), adds: true, ..PLAIN },
        ];
        for case in cases {
            for images in [1, 3] {
                let off = deviation_with(&case, images, &device, (23, unit));
                assert!(off < 4e-6, "{case:?}, {images} photos on {}: {off:e}", device.name());
            }
        }
    }
}

#[test]
fn a_max_pool_and_grey_photos_are_right_and_a_photo_is_normalised_while_it_is_read() {
    let architecture = Architecture::RESNET18;
    let plan = architecture.plan(&["layer1".to_owned()]).unwrap();
    let weights = weights(&plan);
    let normalization = Normalization { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] };
    let (height, width) = (37, 45);
    let plane = height * width;
    let grey: Vec<f32> = values(2 * plane, 5).iter().map(|value| value * 0.5 + 0.5).collect();
    for device in cube_devices() {
        let burn = device.burn().unwrap();
        let read = |network: &KernelNetwork, data: TensorData| {
            let maps = network.maps(Tensor::<4>::from_data(data, burn));
            let (start, shape) = maps.taps[0];
            maps.planes(start, shape).try_into_vec_as::<f32>().unwrap()
        };
        let network = KernelNetwork::new(&plan, &weights, Some(&normalization), &device).unwrap();
        let of_grey = read(&network, TensorData::new(grey.clone(), [2, 1, height, width]));
        let three: Vec<f32> = grey.chunks(plane).flat_map(|plane| plane.repeat(3)).collect();
        let of_three = read(&network, TensorData::new(three.clone(), [2, 3, height, width]));
        assert_eq!(of_grey, of_three, "a grey plane stands for three");
        for (photo, found) in three.chunks(3 * plane).zip(of_three.chunks(of_three.len() / 2)) {
            let mut data = photo.to_vec();
            normalization.apply(&mut data);
            let expected = oracle::forward(&plan, &weights, Planes { channels: 3, height, width, data });
            let scale = expected[0].data.iter().fold(0.0f32, |scale, value| scale.max(value.abs()));
            let off = found.iter().zip(&expected[0].data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 2e-6 * scale, "{off:e} of {scale}");
        }
    }
}

/// A plan of one pool reads no planes: its photo is laid out first.
#[test]
fn a_plan_that_begins_with_a_pool_or_a_depthwise_convolution_is_right() {
    let pool = Plan {
        steps: vec![Step::MaxPool { from: 0, to: 1 }],
        taps: vec![Tap { layer: "pool".to_owned(), slot: 1, channels: 6, stride: 2 }],
        slots: 2,
    };
    let (height, width) = (15, 12);
    let pixels = values(6 * height * width, 3);
    let expected = oracle::forward(&pool, &weights(&pool), Planes { channels: 6, height, width, data: pixels.clone() });
    for device in cube_devices() {
        // A pool alone does not say how many channels a photo has: three.
        let three = pixels[..3 * height * width].to_vec();
        let network = KernelNetwork::new(&pool, &weights(&pool), None, &device).unwrap();
        let data = TensorData::new(three, [1, 3, height, width]);
        let maps = network.maps(Tensor::<4>::from_data(data, device.burn().unwrap()));
        let (start, shape) = maps.taps[0];
        let found = maps.planes(start, shape).try_into_vec_as::<f32>().unwrap();
        assert_eq!(found, expected[0].data[..found.len()], "{}", device.name());
    }
}

#[test]
fn the_networks_of_the_catalogue_agree_with_the_tensor_operations() {
    for device in cube_devices() {
        let architecture = Architecture::EFFICIENTNET_LITE0;
        let plan = architecture.plan(&architecture.default_layers().map(str::to_owned)).unwrap();
        let weights = weights(&plan);
        let data = TensorData::new(values(3 * 64 * 48, 9), [1, 3, 64, 48]);
        let image = Tensor::<4>::from_data(data, device.burn().unwrap());
        let network = |made: Result<Network, _>| {
            let maps = made.unwrap().forward(image.clone()).into_iter();
            maps.map(|map| map.try_into_vec_as::<f32>().unwrap()).collect::<Vec<_>>()
        };
        let by_kernels = network(Network::new("lite0", plan.clone(), &weights, &device));
        let by_operations = network(Network::of_operations("lite0", plan, &weights, &device));
        for (found, expected) in by_kernels.iter().zip(&by_operations) {
            assert_eq!(found.len(), expected.len());
            let scale = expected.iter().fold(0.0f32, |scale, value| scale.max(value.abs()));
            let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-5 * scale, "{off:e} of {scale}");
        }
    }
}

#[test]
fn a_growing_map_is_right_where_it_is_written_in_place_and_where_it_is_copied() {
    let conv = |name: &str, from, to, (in_channels, out_channels), groups| {
        Step::Conv(ConvStep {
            name: name.to_owned(),
            from,
            to,
            in_channels,
            out_channels,
            kernel: 3,
            stride: 1,
            padding: Padding::Symmetric(1),
            groups,
            prologue: false,
            add: None,
            activation: Activation::Relu,
        })
    };
    let joined = |from, with, to, channels| Step::Concat { from, with, to, channels };
    let pool = |from, to, channels| Step::AveragePool { name: format!("pool {from}"), from, to, channels };
    let steps = vec![
        conv("stem", 0, 1, (3, 6), 1),
        // Depthwise, which is copied, and a part that is not a whole read.
        conv("deep", 1, 2, (6, 6), 6),
        joined(1, 2, 3, (6, 6)),
        conv("grown", 3, 4, (12, 5), 1),
        joined(3, 4, 5, (12, 5)),
        // The photo itself, joined to what grew.
        joined(0, 5, 6, (3, 17)),
        pool(6, 7, 20),
        conv("halved", 7, 8, (20, 8), 4),
        joined(7, 8, 9, (20, 8)),
        joined(9, 9, 10, (28, 28)),
        pool(10, 11, 56),
    ];
    let tap = |slot: usize, channels, stride| Tap { layer: format!("{slot}"), slot, channels, stride };
    let plan = Plan { steps, taps: vec![tap(5, 17, 1), tap(9, 28, 2), tap(11, 56, 4)], slots: 12 };
    plan.check().unwrap();
    let (weights, (height, width)) = (weights(&plan), (8, 12));
    let pixels = values(2 * 3 * height * width, 6);
    for device in cube_devices() {
        let network = KernelNetwork::new(&plan, &weights, None, &device).unwrap();
        let data = TensorData::new(pixels.clone(), [2, 3, height, width]);
        let maps = network.maps(Tensor::<4>::from_data(data, device.burn().unwrap()));
        for (image, pixels) in pixels.chunks(3 * height * width).enumerate() {
            let image_planes = Planes { channels: 3, height, width, data: pixels.to_vec() };
            let expected = oracle::forward(&plan, &weights, image_planes);
            for ((start, shape), expected) in maps.taps.iter().zip(expected) {
                let found = maps.planes(*start, *shape).try_into_vec_as::<f32>().unwrap();
                let found = found.chunks(expected.data.len()).nth(image).unwrap();
                let scale = expected.data.iter().fold(0.0f32, |scale, value| scale.max(value.abs()));
                let off = found.iter().zip(&expected.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(off < 4e-6 * scale, "{shape:?} of photo {image} on {}: {off:e} of {scale}", device.name());
            }
        }
    }
}
