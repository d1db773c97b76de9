//! Quantiles, and ratios taken within a round.

/// The 10th, 50th and 90th percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantiles {
    pub(crate) p10: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
}

impl Quantiles {
    /// Linear between the two nearest ranks; `None` of nothing.
    pub(crate) fn of(samples: &[f64]) -> Option<Self> {
        if samples.is_empty() {
            return None;
        }
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |fraction: f64| {
            let rank = fraction * (sorted.len() - 1) as f64;
            let (below, above) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
            below + (above - below) * rank.fract()
        };
        Some(Self { p10: at(0.1), p50: at(0.5), p90: at(0.9) })
    }
}

/// ours/theirs, round by round: below 1, ours is faster.
pub(crate) fn paired_ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    debug_assert_eq!(ours.len(), theirs.len(), "one sample of each per round");
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_eleven_samples_are_the_second_the_sixth_and_the_tenth() {
        let shuffled = [7.0, 1.0, 10.0, 4.0, 0.0, 9.0, 2.0, 6.0, 3.0, 8.0, 5.0];
        assert_eq!(Quantiles::of(&shuffled), Some(Quantiles { p10: 1.0, p50: 5.0, p90: 9.0 }));
    }

    #[test]
    fn quantiles_between_two_ranks_are_interpolated() {
        let quantiles = Quantiles::of(&[20.0, 10.0]).unwrap();
        assert_eq!((quantiles.p10, quantiles.p50, quantiles.p90), (11.0, 15.0, 19.0));
    }

    #[test]
    fn one_round_has_the_same_value_at_every_quantile() {
        assert_eq!(Quantiles::of(&[3.0]), Some(Quantiles { p10: 3.0, p50: 3.0, p90: 3.0 }));
    }

    #[test]
    fn no_round_has_no_quantiles() {
        assert_eq!(Quantiles::of(&[]), None);
    }

    #[test]
    fn ratios_pair_samples_of_the_same_round_so_a_slow_round_cancels_out() {
        let (ours, theirs) = ([10.0, 100.0, 12.0], [20.0, 200.0, 24.0]);
        assert_eq!(paired_ratios(&ours, &theirs), [0.5, 0.5, 0.5]);
    }

    #[test]
    fn a_ratio_below_one_means_that_ours_is_faster() {
        assert!(paired_ratios(&[9.0], &[10.0])[0] < 1.0);
    }
}
