//! Chance that falls the same way every time: SplitMix64.

/// One story's dice in one run.
pub struct Dice(u64);

impl Dice {
    pub fn new(story: u64, run: u64) -> Self {
        Self(story << 32 | run)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` - 1.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn flip(&mut self) -> bool {
        self.below(2) == 0
    }
}
