//! The master key, wherever it is.
//!
//! Invariant: a key that is wrapped says nothing without its master, and opens only under its own name. Who wraps is
//! a closed list: this machine (a file, an environment variable) or a key service.

use std::{path::PathBuf, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{
    super::seal::{Entropy, Wrapping},
    error::KeyError,
    folder::{create_secret, read_secret, suffixed},
    transit::Transit,
};
use crate::config::{KeysConfig, Provider};

/// A key without its wrapping.
pub type Plain = Zeroizing<[u8; 32]>;

/// A master key.
#[derive(Clone)]
pub enum Master {
    /// Held by this process.
    Local(Arc<Wrapping>),
    /// Held by a key service.
    Transit(Arc<Transit>),
}

impl Master {
    fn local(bytes: &[u8; 32]) -> Self {
        Self::Local(Arc::new(Wrapping::new(bytes)))
    }

    /// Wraps one key.
    pub fn wrap(&self, name: &str, key: &[u8; 32], entropy: &Entropy) -> Result<Vec<u8>, KeyError> {
        match self {
            Self::Local(wrapping) => Ok(wrapping.wrap(name, key, entropy)?),
            Self::Transit(service) => service.wrap(name, key),
        }
    }

    /// Takes the wrapping off; `None` where this master did not wrap it, or it was changed.
    pub fn unwrap(&self, name: &str, wrapped: &[u8]) -> Result<Option<Plain>, KeyError> {
        match self {
            Self::Local(wrapping) => Ok(wrapping.unwrap(name, wrapped).ok()),
            Self::Transit(service) if Transit::wrapped(wrapped) => service.unwrap(name, wrapped),
            Self::Transit(_) => Ok(None),
        }
    }

    /// As [`Self::wrap`], for many at once: a key service is asked once.
    pub fn wrap_many(&self, keys: &[(&str, &Plain)], entropy: &Entropy) -> Result<Vec<Vec<u8>>, KeyError> {
        match self {
            Self::Local(_) => keys.iter().map(|(name, key)| self.wrap(name, key, entropy)).collect(),
            Self::Transit(service) => service.wrap_many(keys),
        }
    }

    /// As [`Self::unwrap`], for many at once.
    pub fn unwrap_many(&self, wrapped: &[(&str, &[u8])]) -> Result<Vec<Option<Plain>>, KeyError> {
        match self {
            Self::Local(_) => wrapped.iter().map(|(name, bytes)| self.unwrap(name, bytes)).collect(),
            Self::Transit(service) => {
                // A service that is shown what it did not wrap refuses the whole lot.
                let its: Vec<_> = wrapped.iter().filter(|(_, bytes)| Transit::wrapped(bytes)).copied().collect();
                let mut opened = if its.is_empty() { vec![] } else { service.unwrap_many(&its)? }.into_iter();
                let each = wrapped.iter().map(|(_, bytes)| Transit::wrapped(bytes).then(|| opened.next().flatten()));
                Ok(each.map(Option::flatten).collect())
            }
        }
    }

    /// Whether both are the same master key.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local(a), Self::Local(b)) => a.same(b),
            (Self::Transit(a), Self::Transit(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// Where master keys come from, as configured.
#[derive(Clone)]
pub struct Sources {
    pub key_file: PathBuf,
    pub config: KeysConfig,
    service: Option<Arc<Transit>>,
}

impl Sources {
    pub fn new(key_file: PathBuf, config: KeysConfig) -> Result<Self, KeyError> {
        let service = config.transit.as_ref().map(Transit::new).transpose()?.map(Arc::new);
        Ok(Self { key_file, config, service })
    }

    /// The master keys that may have wrapped something: the configured one, and the one that a rotation is or was
    /// going to. Empty where the key file is not there.
    pub fn load(&self) -> Result<Vec<Master>, KeyError> {
        let mut masters = vec![];
        masters.extend(self.master_of(self.config.provider)?);
        match self.config.next {
            Some(next) => masters.extend(self.master_of(next)?),
            None => masters.extend(self.upcoming()?),
        }
        Ok(masters)
    }

    /// The master key of a provider; `None` where its file is not there.
    pub fn master_of(&self, provider: Provider) -> Result<Option<Master>, KeyError> {
        Ok(match provider {
            Provider::File => self.file()?.map(|bytes| Master::local(&bytes)),
            Provider::Env => {
                let variable = &self.config.variable;
                let bytes = from_environment(variable)?.ok_or_else(|| KeyError::NotSet(variable.clone()))?;
                Some(Master::local(&bytes))
            }
            Provider::Transit => self.service.clone().map(Master::Transit),
        })
    }

    /// The master key that a rotation within the same provider goes to, where it is there already.
    pub fn upcoming(&self) -> Result<Option<Master>, KeyError> {
        let bytes = match self.config.provider {
            Provider::File => read_secret(&self.next_file())?,
            Provider::Env => from_environment(&self.next_variable())?,
            Provider::Transit => None,
        };
        Ok(bytes.map(|bytes| Master::local(&bytes)))
    }

    /// The bytes of the key file, where it is there.
    pub fn file(&self) -> Result<Option<Plain>, KeyError> {
        read_secret(&self.key_file)
    }

    /// The master key of a provider, made where it is a file that is not there.
    pub fn create(&self, provider: Provider, entropy: &Entropy) -> Result<Master, KeyError> {
        if provider == Provider::File {
            create_secret(&self.key_file, entropy)?;
        }
        self.master_of(provider)?.ok_or_else(|| KeyError::Missing(self.key_file.clone()))
    }

    /// Where the next master key lies while a rotation is under way.
    pub fn next_file(&self) -> PathBuf {
        suffixed(&self.key_file, ".next")
    }

    /// The environment variable of the next master key.
    pub fn next_variable(&self) -> String {
        format!("{}_NEXT", self.config.variable)
    }

    /// The service, where one is configured.
    pub const fn service(&self) -> Option<&Arc<Transit>> {
        self.service.as_ref()
    }

    /// What a person calls the provider's master key.
    pub fn describe(&self, provider: Provider) -> String {
        match provider {
            Provider::File => format!("the key file {}", self.key_file.display()),
            Provider::Env => format!("the environment variable {}", self.config.variable),
            Provider::Transit => self.service.as_ref().map_or_else(String::new, |service| service.describe()),
        }
    }
}

/// Hexadecimal digits or base64 of 32 bytes; `None` where the variable is not set. It cannot be taken out of the
/// process's environment safely, so it stays there: whoever may read this process's `/proc` reads the key.
fn from_environment(variable: &str) -> Result<Option<Plain>, KeyError> {
    let Some(text) = std::env::var_os(variable) else { return Ok(None) };
    let text = Zeroizing::new(text.into_encoded_bytes());
    decode(&text).map(Some).ok_or_else(|| KeyError::NotAKey(variable.to_owned()))
}

fn decode(text: &[u8]) -> Option<Plain> {
    let text = text.trim_ascii();
    let mut bytes = Zeroizing::new([0; 32]);
    if text.len() == 64 {
        hex::decode_to_slice(text, bytes.as_mut_slice()).ok()?;
        return Some(bytes);
    }
    let decoded = Zeroizing::new(STANDARD.decode(text).ok()?);
    bytes.copy_from_slice((decoded.len() == 32).then_some(decoded.as_slice())?);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_in_hexadecimal_digits_or_base64() {
        let bytes = [0xA5; 32];
        for good in [hex::encode(bytes), hex::encode_upper(bytes), format!(" {}\n", STANDARD.encode(bytes))] {
            assert_eq!(decode(good.as_bytes()).as_deref(), Some(&bytes), "{good}");
        }
        for bad in
            ["", "a5", &"g".repeat(64), &hex::encode([1; 31]), &STANDARD.encode([1; 33]), &STANDARD.encode([1; 31])]
        {
            assert!(decode(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
