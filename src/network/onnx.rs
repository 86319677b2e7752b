//! Models that write, run by ONNX Runtime: decoders with a cache of keys and values, encoders with decoders.
//!
//! Weights and caches may be 32-bit or 16-bit floats: each input is given in the type that the model says it takes.
//! Batches are padded on the left, so that the newest token of every row stands in the last column. Caches of keys and
//! values stay in ONNX Runtime's memory: a step takes the last one's outputs as inputs, and copies them only where rows move.

use std::path::Path;
use std::str::FromStr;
use std::sync::Once;

use anyhow::{Context, Result, anyhow, bail, ensure};
use half::f16;
use ndarray::{Array, Array2, ArrayD, Axis, IxDyn, s};
use ort::environment::Environment;
use ort::ep::CUDA;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Tensor, TensorElementType, ValueType};

use super::decode::Writer;
use super::folder::{Folder, Layout};

/// Inputs by name.
type Inputs<'a> = Vec<(String, SessionInputValue<'a>)>;

/// What runs networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    #[default]
    Cpu,
    /// A GPU of that number, by ONNX Runtime's CUDA provider.
    Cuda(i32),
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Device, String> {
        match text.split_once(':').unwrap_or((text, "0")) {
            ("cpu", "0") => Ok(Device::Cpu),
            ("cuda", number) => number.parse().map(Device::Cuda).map_err(|_| format!("`{number}` is no number of a GPU")),
            _ => Err("a device is cpu, cuda or cuda:N".to_owned()),
        }
    }
}

/// How a model is run.
#[derive(Debug, Clone, Copy)]
pub struct Running {
    pub threads: usize,
    pub device: Device,
}

impl Running {
    /// On so many threads of the CPU.
    pub fn on_cpu(threads: usize) -> Running {
        Running { threads, device: Device::Cpu }
    }
}

/// Opens a model file; on the CPU where the GPU is not to be had, which is told once.
///
/// # Errors
/// Naming the file.
pub fn open(environment: &Environment, file: &Path, running: Running) -> Result<Session> {
    if let Device::Cuda(number) = running.device {
        match start(environment, file, running) {
            Ok(session) => return Ok(session),
            Err(error) => {
                static TOLD: Once = Once::new();
                let remedy = "--ort-lib must name the library of a release for GPUs (the wheel onnxruntime-gpu), with CUDA and \
                              cuDNN beside it";
                TOLD.call_once(|| tracing::warn!("networks run on the CPU, GPU {number} cannot be used: {error:#}; {remedy}"));
            }
        }
    }
    let started = start(environment, file, Running { device: Device::Cpu, ..running });
    started.with_context(|| format!("{} is no model that ONNX Runtime can run", file.display()))
}

fn start(environment: &Environment, file: &Path, running: Running) -> Result<Session> {
    let builder = Session::builder(environment).map_err(|e| anyhow!("{e}"))?;
    let builder = builder.with_optimization_level(GraphOptimizationLevel::Level3).map_err(|e| anyhow!("{e}"))?;
    // One thread has nobody to wait for. More of them spin for a moment behind each run, as ONNX Runtime has it.
    let mut builder = builder.with_intra_threads(running.threads.max(1)).map_err(|e| anyhow!("{e}"))?;
    if let Device::Cuda(number) = running.device {
        let provider = CUDA::default().with_device_id(number).build().error_on_failure();
        builder = builder.with_execution_providers([provider]).map_err(|e| anyhow!("{e}"))?;
    }
    builder.commit_from_file(file).map_err(|e| anyhow!("{e}"))
}

/// The policy of a folder.
///
/// # Errors
/// Naming the file that is broken or does not fit.
pub fn open_policy(environment: &Environment, folder: &Folder, running: Running) -> Result<Box<dyn Writer + Send>> {
    Ok(match &folder.layout {
        Layout::Decoder { model } => Box::new(Decoder::new(open(environment, model, running)?, model)?),
        Layout::EncoderDecoder { encoder, first, next } => Box::new(EncoderDecoder {
            encoder: open(environment, encoder, running)?,
            first: open(environment, first, running)?,
            next: open(environment, next, running)?,
            start: folder.start,
            mask: Array2::zeros((0, 0)),
            hidden: None,
            past: Vec::new(),
        }),
    })
}

/// An input that holds a part of the cache.
struct CacheInput {
    name: String,
    heads: usize,
    width: usize,
    ty: TensorElementType,
}

impl CacheInput {
    /// It before anything is read.
    fn empty(&self, rows: usize) -> Result<DynValue> {
        let shape = IxDyn(&[rows, self.heads, 0, self.width]);
        match self.ty {
            TensorElementType::Float16 => tensor(ArrayD::<f16>::from_elem(shape, f16::ZERO)),
            _ => tensor(ArrayD::<f32>::zeros(shape)),
        }
    }
}

/// The inputs that hold the cache.
fn cache_inputs(session: &Session, file: &Path) -> Result<Vec<CacheInput>> {
    let mut found = Vec::new();
    for input in session.inputs().iter().filter(|i| i.name().starts_with("past_key_values.")) {
        let ValueType::Tensor { ty, shape, .. } = input.dtype() else {
            bail!("{}: `{}` is no tensor", file.display(), input.name());
        };
        ensure!(
            matches!(ty, TensorElementType::Float32 | TensorElementType::Float16),
            "{}: `{}` is {ty}, qstar runs caches of 32-bit and 16-bit floats",
            file.display(),
            input.name()
        );
        let sizes: Vec<i64> = shape.iter().copied().collect();
        let [_, heads, _, width] = sizes[..] else { bail!("{}: `{}` has not four axes", file.display(), input.name()) };
        ensure!(heads > 0 && width > 0, "{}: `{}` does not say its heads and their width", file.display(), input.name());
        let (heads, width) = (heads as usize, width as usize);
        found.push(CacheInput { name: input.name().to_owned(), heads, width, ty: *ty });
    }
    Ok(found)
}

pub(super) fn has_input(session: &Session, name: &str) -> bool {
    session.inputs().iter().any(|i| i.name() == name)
}

pub(super) fn tensor<T, D>(array: ndarray::Array<T, D>) -> Result<DynValue>
where
    T: ort::value::PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static,
    D: ndarray::Dimension + 'static,
{
    let array = if array.is_standard_layout() { array } else { array.as_standard_layout().into_owned() };
    Ok(Tensor::from_array(array).map_err(|e| anyhow!("{e}"))?.into_dyn())
}

pub(super) fn input(name: &str, value: DynValue) -> (String, SessionInputValue<'static>) {
    (name.to_owned(), value.into())
}

/// Runs a session and takes outputs, uncopied.
pub(super) fn run(session: &mut Session, inputs: Inputs, wanted: &[&str]) -> Result<Vec<DynValue>> {
    let mut outputs = session.run(inputs).map_err(|e| anyhow!("the network does not run: {e}"))?;
    wanted.iter().map(|name| outputs.remove(name).with_context(|| format!("the network has no output `{name}`"))).collect()
}

pub(super) fn array<T: ort::value::PrimitiveTensorElementType>(value: &DynValue) -> Result<ndarray::ArrayViewD<'_, T>> {
    value.try_extract_array::<T>().map_err(|e| anyhow!("an output is of another type: {e}"))
}

/// Whether a value holds 16-bit floats.
fn is_half(value: &DynValue) -> bool {
    matches!(value.dtype(), ValueType::Tensor { ty: TensorElementType::Float16, .. })
}

/// Whole numbers as an input takes them.
fn whole<D: ndarray::Dimension + 'static>(
    session: &Session,
    name: &str,
    array: Array<i64, D>,
) -> Result<(String, SessionInputValue<'static>)> {
    let narrow = |i: &ort::value::Outlet| {
        i.name() == name && matches!(i.dtype(), ValueType::Tensor { ty: TensorElementType::Int32, .. })
    };
    Ok(if session.inputs().iter().any(narrow) {
        input(name, tensor(array.mapv(|x| x as i32))?)
    } else {
        input(name, tensor(array)?)
    })
}

/// Ids and mask of texts, padded on the left: (rows, longest).
fn padded(texts: &[Vec<u32>]) -> (Array2<i64>, Array2<i64>) {
    let longest = texts.iter().map(Vec::len).max().unwrap_or(0);
    let (mut ids, mut mask) = (Array2::zeros((texts.len(), longest)), Array2::zeros((texts.len(), longest)));
    for (row, text) in texts.iter().enumerate() {
        let start = longest - text.len();
        for (place, id) in text.iter().enumerate() {
            ids[[row, start + place]] = i64::from(*id);
            mask[[row, start + place]] = 1;
        }
    }
    (ids, mask)
}

/// The last column of logits (rows, places, vocabulary).
fn last(logits: &DynValue) -> Result<Array2<f32>> {
    const AXES: &str = "`logits` has not three axes";
    if is_half(logits) {
        let logits = array::<f16>(logits)?.into_dimensionality::<ndarray::Ix3>().context(AXES)?;
        return Ok(logits.slice(s![.., -1, ..]).mapv(f16::to_f32));
    }
    let logits = array::<f32>(logits)?.into_dimensionality::<ndarray::Ix3>().context(AXES)?;
    Ok(logits.slice(s![.., -1, ..]).to_owned())
}

/// Rows of a cache, in this order; as it is where they stay where they are.
fn select(value: DynValue, rows: &[usize]) -> Result<DynValue> {
    if is_half(&value) { select_as::<f16>(value, rows) } else { select_as::<f32>(value, rows) }
}

fn select_as<T>(value: DynValue, rows: &[usize]) -> Result<DynValue>
where
    T: ort::value::PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static,
{
    let view = array::<T>(&value)?;
    if rows.iter().copied().eq(0..view.len_of(Axis(0))) {
        return Ok(value);
    }
    // Whole rows are copied: `select` joins them number by number.
    let (all, mut shape) = (view.as_slice().context("a cache does not lie in one piece")?, view.raw_dim());
    let width = all.len() / shape[0].max(1);
    let chosen: Vec<&[T]> = rows.iter().map(|&row| &all[row * width..][..width]).collect();
    shape[0] = rows.len();
    tensor(ndarray::Array::from_shape_vec(shape, chosen.concat())?)
}

/// A decoder-only model with a cache.
struct Decoder {
    session: Session,
    /// Inputs of the cache, their empty shapes, and the outputs that continue them.
    cache: Vec<CacheInput>,
    outputs: Vec<String>,
    positions: bool,
    merged: bool,
    mask: Array2<i64>,
    past: Vec<DynValue>,
}

impl Decoder {
    fn new(session: Session, file: &Path) -> Result<Decoder> {
        let cache = cache_inputs(&session, file)?;
        ensure!(
            !cache.is_empty(),
            "{} has no inputs past_key_values.*: export it with a cache (`text-generation-with-past`)",
            file.display()
        );
        for name in ["input_ids", "attention_mask"] {
            ensure!(has_input(&session, name), "{} has no input `{name}`", file.display());
        }
        let mut outputs = vec!["logits".to_owned()];
        outputs.extend(cache.iter().map(|input| input.name.replace("past_key_values.", "present.")));
        for name in &outputs {
            ensure!(session.outputs().iter().any(|o| o.name() == name), "{} has no output `{name}`", file.display());
        }
        let (positions, merged) = (has_input(&session, "position_ids"), has_input(&session, "use_cache_branch"));
        Ok(Decoder { session, cache, outputs, positions, merged, mask: Array2::zeros((0, 0)), past: Vec::new() })
    }

    fn step(&mut self, ids: Array2<i64>, positions: Array2<i64>, reading: bool) -> Result<Array2<f32>> {
        let session = &self.session;
        let mut inputs: Inputs = vec![whole(session, "input_ids", ids)?, whole(session, "attention_mask", self.mask.clone())?];
        if self.positions {
            inputs.push(whole(session, "position_ids", positions)?);
        }
        if self.merged {
            inputs.push(input("use_cache_branch", tensor(ndarray::arr1(&[!reading]))?));
        }
        for (cache, past) in self.cache.iter().zip(std::mem::take(&mut self.past)) {
            inputs.push(input(&cache.name, past));
        }
        let names: Vec<&str> = self.outputs.iter().map(String::as_str).collect();
        let mut outputs = run(&mut self.session, inputs, &names)?;
        self.past = outputs.split_off(1);
        last(&outputs[0])
    }
}

impl Writer for Decoder {
    fn begin(&mut self, prompts: &[Vec<u32>]) -> Result<Array2<f32>> {
        let (ids, mask) = padded(prompts);
        self.past = self.cache.iter().map(|cache| cache.empty(prompts.len())).collect::<Result<_>>()?;
        let mut positions = mask.clone();
        for mut row in positions.rows_mut() {
            let mut seen = 0;
            for place in &mut row {
                seen += *place;
                *place = (seen - 1).max(0);
            }
        }
        self.mask = mask;
        self.step(ids, positions, true)
    }

    fn next(&mut self, rows: &[usize], tokens: &[u32]) -> Result<Array2<f32>> {
        self.past = std::mem::take(&mut self.past).into_iter().map(|past| select(past, rows)).collect::<Result<_>>()?;
        let mask = self.mask.select(Axis(0), rows);
        let positions = mask.sum_axis(Axis(1)).insert_axis(Axis(1));
        self.mask = ndarray::concatenate![Axis(1), mask, Array2::ones((rows.len(), 1))];
        let ids = Array2::from_shape_fn((tokens.len(), 1), |(row, _)| i64::from(tokens[row]));
        self.step(ids, positions, false)
    }
}

/// An encoder that reads the goal and a decoder that writes (T5, as in ReProver).
struct EncoderDecoder {
    encoder: Session,
    first: Session,
    next: Session,
    start: u32,
    mask: Array2<i64>,
    /// What the encoder gave; nothing before the first prompt.
    hidden: Option<DynValue>,
    /// Caches by the names of the inputs that take them.
    past: Vec<(String, DynValue)>,
}

impl EncoderDecoder {
    /// Feeds tokens to the decoder; caches that it gives out replace those of the same name.
    fn step(&mut self, first: bool, tokens: &[u32]) -> Result<Array2<f32>> {
        let session = if first { &mut self.first } else { &mut self.next };
        let ids = Array2::from_shape_fn((tokens.len(), 1), |(row, _)| i64::from(tokens[row]));
        let caches: Vec<String> =
            session.outputs().iter().map(|o| o.name().to_owned()).filter(|n| n.starts_with("present.")).collect();
        let mut wanted = vec!["logits"];
        wanted.extend(caches.iter().map(String::as_str));
        let mut inputs: Inputs = vec![whole(session, "input_ids", ids)?];
        if has_input(session, "encoder_attention_mask") {
            inputs.push(whole(session, "encoder_attention_mask", self.mask.clone())?);
        }
        if let (true, Some(hidden)) = (has_input(session, "encoder_hidden_states"), &self.hidden) {
            inputs.push(("encoder_hidden_states".to_owned(), hidden.into()));
        }
        for (name, past) in self.past.iter().filter(|(name, _)| has_input(session, name)) {
            inputs.push((name.clone(), past.into()));
        }
        let mut outputs = run(session, inputs, &wanted)?;
        let logits = outputs.remove(0);
        for (name, cache) in caches.into_iter().map(|n| n.replace("present.", "past_key_values.")).zip(outputs) {
            match self.past.iter_mut().find(|(known, _)| *known == name) {
                Some((_, old)) => *old = cache,
                None => self.past.push((name, cache)),
            }
        }
        last(&logits)
    }
}

impl Writer for EncoderDecoder {
    fn begin(&mut self, prompts: &[Vec<u32>]) -> Result<Array2<f32>> {
        let (ids, mask) = padded(prompts);
        let encoder = &self.encoder;
        let inputs = vec![whole(encoder, "input_ids", ids)?, whole(encoder, "attention_mask", mask.clone())?];
        self.hidden = run(&mut self.encoder, inputs, &["last_hidden_state"])?.pop();
        (self.mask, self.past) = (mask, Vec::new());
        self.step(true, &vec![self.start; prompts.len()])
    }

    fn next(&mut self, rows: &[usize], tokens: &[u32]) -> Result<Array2<f32>> {
        let past = std::mem::take(&mut self.past).into_iter();
        self.past = past.map(|(name, past)| Ok((name, select(past, rows)?))).collect::<Result<_>>()?;
        self.mask = self.mask.select(Axis(0), rows);
        self.hidden = self.hidden.take().map(|hidden| select(hidden, rows)).transpose()?;
        self.step(false, tokens)
    }
}
