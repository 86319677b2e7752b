//! In the place of served models where they were left out of the build.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::endpoint::Endpoint;
use crate::formats::Theorem;
use crate::policy::Policy;
use crate::policy::author::Author;
use crate::policy::usage::{Limits, Meter};

/// There is none.
pub struct Served(Infallible);

impl Served {
    /// # Errors
    /// Always: this qstar has no HTTP client.
    pub async fn open(endpoint: Endpoint, _: &Path) -> Result<Served> {
        bail!(
            "{} is asked for, but this qstar was built without served models; build it with `--features models`",
            endpoint.url
        )
    }

    pub fn endpoint(&self) -> &Endpoint {
        match self.0 {}
    }

    pub fn limits(&self) -> Limits {
        match self.0 {}
    }

    pub fn policy(&self, _: &Theorem, _: u64, _: Arc<Meter>) -> Option<Box<dyn Policy>> {
        match self.0 {}
    }

    pub fn author(&self, _: &Theorem, _: u64, _: Arc<Meter>) -> Option<Box<dyn Author>> {
        match self.0 {}
    }
}
