//! Models behind a server that speaks OpenAI's `/v1`: one that writes tactics is a policy, one that writes proofs an author.
//!
//! - [`endpoint`]: which model, where and how; from flags or a file.
//! - [`client`], [`answer`], [`cache`]: HTTP, with retries, limits and a memory on the disk (feature `models`).
//! - [`step`]: the policy; [`proofs`]: the author.
//!
//! Depends on the traits of `policy` and on `formats` for questions and answers; knows nothing of searches.

#[cfg(feature = "models")]
pub mod answer;
#[cfg(feature = "models")]
pub mod cache;
#[cfg(feature = "models")]
pub mod client;
pub mod endpoint;
#[cfg(not(feature = "models"))]
mod missing;
#[cfg(feature = "models")]
pub mod proofs;
#[cfg(feature = "models")]
pub mod step;

#[cfg(not(feature = "models"))]
pub use missing::Served;
#[cfg(feature = "models")]
pub use open::Served;

#[cfg(feature = "models")]
mod open {
    use std::path::Path;
    use std::sync::Arc;

    use anyhow::Result;

    use super::client::Client;
    use super::endpoint::{Endpoint, cache_file};
    use super::proofs::ServedAuthor;
    use super::step::ServedPolicy;
    use crate::formats::{Api, Theorem, Writes};
    use crate::policy::Policy;
    use crate::policy::author::Author;
    use crate::policy::usage::{Limits, Meter};

    /// A model that is served, for all searches of a run.
    pub struct Served(Arc<Client>);

    impl Served {
        /// Sets it up and asks the server whether it has the model.
        ///
        /// # Errors
        /// When the server cannot be reached or has no such model; with the remedy.
        pub async fn open(endpoint: Endpoint, home: &Path) -> Result<Served> {
            let client = Client::new(endpoint, Some(&cache_file(home)))?;
            client.check().await?;
            Ok(Served(Arc::new(client)))
        }

        pub fn endpoint(&self) -> &Endpoint {
            self.0.endpoint()
        }

        /// What one search may spend, unless it says otherwise.
        pub fn limits(&self) -> Limits {
            self.0.endpoint().limits
        }

        /// The policy for a theorem, where the model writes tactics.
        pub fn policy(&self, theorem: &Theorem, seed: u64, meter: Arc<Meter>) -> Option<Box<dyn Policy>> {
            let tactics = self.0.endpoint().format.writes == Writes::Tactic;
            tactics.then(|| Box::new(ServedPolicy::new(self.0.clone(), theorem.clone(), seed, meter)) as Box<dyn Policy>)
        }

        /// The author for a theorem, where the model writes proofs or is asked for plans.
        pub fn author(&self, theorem: &Theorem, seed: u64, meter: Arc<Meter>) -> Option<Box<dyn Author>> {
            let endpoint = self.0.endpoint();
            let writes = endpoint.format.writes == Writes::Proof || (endpoint.plan && endpoint.format.api == Api::Chat);
            writes.then(|| Box::new(ServedAuthor::new(self.0.clone(), theorem.clone(), seed, meter)) as Box<dyn Author>)
        }
    }
}
