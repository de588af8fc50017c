//! One model, many callers: the same bits from every thread, in every pool.

use patchcore::{FitOptions, LoadOptions, Model, Save, Score};

use crate::part;
use crate::photos::settings;

fn scores(model: &Model) -> Vec<Score> {
    (0..6).map(|seed| model.score(&part::photo(300 + seed, seed % 2 == 1)).unwrap()).collect()
}

#[test]
fn a_model_gives_the_same_bits_to_every_caller_in_every_pool() {
    let model = Model::fit(&settings(), part::good(4)).unwrap();
    let expected = scores(&model);
    let bytes = model.to_bytes(Save::WithoutWeights).unwrap();
    for threads in [None, Some(1), Some(2), Some(5)] {
        let mut options = LoadOptions::default();
        options.threads = threads;
        let loaded = Model::from_bytes(&bytes, &options).unwrap();
        for callers in [1, 2, 4, 16] {
            std::thread::scope(|scope| {
                let calls: Vec<_> = (0..callers).map(|_| scope.spawn(|| scores(&loaded))).collect();
                for call in calls {
                    assert_eq!(call.join().unwrap(), expected, "{threads:?} threads, {callers} callers");
                }
            });
        }
        let callers_pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(callers_pool.install(|| scores(&loaded)), expected, "{threads:?} threads in a pool of the caller's");
    }
    for threads in [1, 3] {
        let fitted = Model::fit_with(&settings(), part::good(4), FitOptions::default().threads(threads)).unwrap().model;
        assert_eq!(fitted.bank(), model.bank(), "{threads} threads");
        assert_eq!(scores(&fitted), expected, "{threads} threads");
    }
}

#[test]
fn threads_that_cannot_be_had_are_refused() {
    let error = Model::fit_with(&settings(), part::good(2), FitOptions::default().threads(0)).unwrap_err();
    assert!(error.to_string().starts_with("threads is 0: expected at least 1"), "{error}");
}
