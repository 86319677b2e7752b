//! C++ exceptions of the portable Lean, caught in WebAssembly.
//!
//! A call that may throw goes through an import `invoke_…`, which the glue has in JavaScript: out of the module, a look-up of the
//! function, in again, some millions of times in a search. Here the same calls are functions of a small module of their own, which
//! shares the table of functions. What was thrown is JavaScript's still: an import says whether it was C++ that threw. A function
//! of another type than the caller takes it for, which JavaScript does not mind, is left to the glue.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail, ensure};
use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, Instruction, MemArg, MemorySection, MemoryType, Module, RefType, TableType, TypeSection, ValType,
};
use wasmparser::FuncType;

/// The import that answers whether it was C++ that threw, and forgets it.
const CAUGHT: (&str, &str) = ("env", "caught");
/// The table of functions, as the glue names it.
pub const TABLE: (&str, &str) = ("env", "__indirect_function_table");
/// Where the glue's own calls are imported from.
const GLUE: &str = "glue";
/// Of a slot whose function no call takes for one of its type.
const OTHER: u8 = u8::MAX;
/// Bytes of a page of memory.
const PAGE: u64 = 1 << 16;

/// The table of functions with so many slots.
pub fn table(slots: u64) -> TableType {
    TableType { element_type: RefType::FUNCREF, table64: false, minimum: slots, maximum: None, shared: false }
}

/// A module with the functions `invokes`, by name and type; `symbols` are slots of functions, `slots` the type of the function in
/// each slot of the table.
///
/// # Errors
/// When a function that is needed has no slot, or a type is none that the module could have.
pub fn module(invokes: &[(String, FuncType)], symbols: &BTreeMap<String, i32>, slots: &[Option<&FuncType>]) -> Result<Vec<u8>> {
    let slot = |name: &str| symbols.get(name).copied().with_context(|| format!("lean.wasm does not export {name}"));
    let (save, restore, threw) = (slot("emscripten_stack_get_current")?, slot("_emscripten_stack_restore")?, slot("setThrew")?);
    let mut types = Types::default();
    let number = types.of(vec![], vec![ValType::I32]);
    let one = types.of(vec![ValType::I32], vec![]);
    let two = types.of(vec![ValType::I32; 2], vec![]);
    let mut imports = ImportSection::new();
    imports.import(TABLE.0, TABLE.1, table(slots.len() as u64)).import(CAUGHT.0, CAUGHT.1, EntityType::Function(number));
    let (mut functions, mut exports, mut code) = (FunctionSection::new(), ExportSection::new(), CodeSection::new());
    let count = invokes.len() as u32;
    for ((name, kind), place) in invokes.iter().zip(1..) {
        let (params, results) = values(kind)?;
        let [ValType::I32, arguments @ ..] = &params[..] else { bail!("{name} takes no function") };
        let nothing = match results[..] {
            [] => None,
            [ValType::I32] => Some(Instruction::I32Const(0)),
            [ValType::I64] => Some(Instruction::I64Const(0)),
            [ValType::F32] => Some(Instruction::F32Const(0.0.into())),
            [ValType::F64] => Some(Instruction::F64Const(0.0.into())),
            _ => bail!("{name} gives what cannot be handed on"),
        };
        let callee = types.of(arguments.to_vec(), results.clone());
        ensure!(callee < u32::from(OTHER), "lean.wasm has too many types of calls");
        let own = types.of(params.clone(), results);
        imports.import(GLUE, name, EntityType::Function(own));
        functions.function(own);
        exports.export(name, ExportKind::Func, count + place);
        let stack = params.len() as u32;
        let call = |type_index| Instruction::CallIndirect { type_index, table_index: 0 };
        let mut body = Function::new([(1, ValType::I32)]);
        let mut put = |instructions: &[Instruction]| {
            for instruction in instructions {
                body.instruction(instruction);
            }
        };
        let arguments: Vec<Instruction> = (1..stack).map(Instruction::LocalGet).collect();
        put(&[Instruction::Block(BlockType::Empty)]);
        put(&[Instruction::LocalGet(0), Instruction::I32Const(slots.len() as i32), Instruction::I32GeU, Instruction::BrIf(0)]);
        put(&[Instruction::LocalGet(0), Instruction::I32Load8U(MemArg { offset: 0, align: 0, memory_index: 0 })]);
        put(&[Instruction::I32Const(callee as i32), Instruction::I32Ne, Instruction::BrIf(0)]);
        put(&[Instruction::I32Const(save), call(number), Instruction::LocalSet(stack)]);
        put(&[Instruction::Try(BlockType::Empty)]);
        put(&arguments);
        put(&[Instruction::LocalGet(0), call(callee), Instruction::Return]);
        put(&[Instruction::CatchAll, Instruction::LocalGet(stack), Instruction::I32Const(restore), call(one)]);
        // What is no exception of C++ (an exit, an end of JavaScript's stack) goes on.
        put(&[Instruction::Call(0), Instruction::I32Eqz]);
        put(&[Instruction::If(BlockType::Empty), Instruction::Rethrow(1), Instruction::End]);
        put(&[Instruction::I32Const(1), Instruction::I32Const(0), Instruction::I32Const(threw), call(two)]);
        put(nothing.as_slice());
        put(&[Instruction::Return, Instruction::End, Instruction::End, Instruction::LocalGet(0)]);
        put(&arguments);
        put(&[Instruction::Call(place), Instruction::End]);
        code.function(&body);
    }
    let kinds =
        slots.iter().map(|slot| Ok(slot.map(values).transpose()?.and_then(|kind| types.number(&kind)).unwrap_or(OTHER)));
    let kinds = kinds.collect::<Result<Vec<u8>>>()?;
    let mut memory = MemorySection::new();
    let pages = (kinds.len() as u64).div_ceil(PAGE);
    memory.memory(MemoryType { minimum: pages, maximum: Some(pages), memory64: false, shared: false, page_size_log2: None });
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(0), kinds);
    let mut module = Module::new();
    module.section(&types.section).section(&imports).section(&functions).section(&memory).section(&exports);
    module.section(&code).section(&data);
    Ok(module.finish())
}

/// Parameters and results.
type Kind = (Vec<ValType>, Vec<ValType>);

/// Function types, each once.
#[derive(Default)]
struct Types {
    section: TypeSection,
    known: HashMap<Kind, u32>,
}

impl Types {
    fn of(&mut self, params: Vec<ValType>, results: Vec<ValType>) -> u32 {
        let next = self.section.len();
        *self.known.entry((params, results)).or_insert_with_key(|(params, results)| {
            self.section.ty().function(params.iter().copied(), results.iter().copied());
            next
        })
    }

    /// The number of a type that fits in a byte.
    fn number(&self, kind: &Kind) -> Option<u8> {
        u8::try_from(*self.known.get(kind)?).ok()
    }
}

fn values(kind: &FuncType) -> Result<Kind> {
    let of =
        |kinds: &[wasmparser::ValType]| kinds.iter().map(|kind| RoundtripReencoder.val_type(*kind)).collect::<Result<_, _>>();
    Ok((of(kind.params())?, of(kind.results())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_of_calls_is_made_and_what_cannot_be_is_refused() {
        use wasmparser::ValType as V;
        let symbols = ["emscripten_stack_get_current", "_emscripten_stack_restore", "setThrew"];
        let symbols: BTreeMap<String, i32> = symbols.iter().zip(1..).map(|(name, slot)| ((*name).to_owned(), slot)).collect();
        let of = |params: &[V], results: &[V]| {
            let kind = FuncType::new(params.iter().copied(), results.iter().copied());
            module(&[("invoke_x".to_owned(), kind.clone())], &symbols, &[None, Some(&kind)])
        };
        for results in [&[][..], &[V::I32], &[V::I64], &[V::F32], &[V::F64]] {
            let made = of(&[V::I32, V::I64, V::F64], results).unwrap();
            assert!(wasmparser::Parser::new(0).parse_all(&made).all(|payload| payload.is_ok()));
        }
        assert!(of(&[], &[]).unwrap_err().to_string().contains("invoke_x takes no function"));
        let without = module(&[], &BTreeMap::new(), &[]).unwrap_err().to_string();
        assert!(without.contains("emscripten_stack_get_current"), "{without}");
    }
}
