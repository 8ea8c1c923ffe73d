//! Which language is spoken in a clip, by a multilingual model.

use super::{Decoder, Whisper, WhisperError};

/// A language, and how probable it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Language {
    /// As Whisper names it: "es".
    pub code: &'static str,
    /// 0 to 1, among those that were asked about.
    pub probability: f32,
}

impl Whisper {
    /// The most probable of these languages in the clip that this decoder decoded last; it is not encoded again. `None` where the
    /// model knows but one language.
    ///
    /// # Errors
    /// When the decoder fails.
    pub fn language(
        &self,
        decoder: &mut Decoder,
        among: &[&str],
        threads: usize,
    ) -> Result<Option<Language>, WhisperError> {
        let begin = [self.context.token_sot()];
        let failed = |e| WhisperError::Decode(format!("language: {e}"));
        decoder.state.decode(&begin, 0, threads.max(1)).map_err(failed)?;
        let logits = decoder.state.get_logits().map_err(failed)?;
        let asked = self.languages().filter(|(_, code)| among.contains(code));
        let known = asked.filter_map(|(token, code)| {
            let logit = usize::try_from(token).ok().and_then(|token| logits.get(token))?;
            Some((code, *logit))
        });
        let best = most_probable(&known.collect::<Vec<_>>());
        Ok(best.map(|(code, probability)| Language { code, probability }))
    }
}

/// The first of the highest, and its share in the sum of the exponentials.
fn most_probable<'l>(logits: &[(&'l str, f32)]) -> Option<(&'l str, f32)> {
    let (code, highest) = logits.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let all: f32 = logits.iter().map(|(_, logit)| (logit - highest).exp()).sum();
    Some((code, 1.0 / all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_probable_has_its_share() {
        let (code, share) = most_probable(&[("en", 1.0), ("es", 3.0), ("fr", 2.0)]).expect("some");
        let all = 1.0_f32.exp() + 2.0_f32.exp() + 3.0_f32.exp();
        assert!(code == "es" && (share - 3.0_f32.exp() / all).abs() < 1e-5);
        assert_eq!(most_probable(&[]), None);
    }
}
