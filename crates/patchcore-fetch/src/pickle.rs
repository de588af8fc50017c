//! The part of Python's pickle that a `state_dict` needs, and nothing that can call anything.
//!
//! A pickle is a program; this machine knows the dozen instructions that build dictionaries, tuples, strings and
//! numbers, and four names (`OrderedDict`, `_rebuild_tensor_v2`, `_rebuild_parameter`, the storage types). Any other
//! name is refused. Values nest at most three deep, so hostile nesting cannot exhaust the stack.

use std::collections::HashMap;
use std::rc::Rc;

use patchcore_weights::Dtype;

/// Most instructions and most memo entries of one pickle: ResNet-101's state dict needs about 30,000.
const MAX_STEPS: usize = 4_000_000;

/// A value on the machine's stack.
#[derive(Debug, Clone)]
pub enum Value {
    /// Anything that is not needed further.
    Opaque,
    /// An integer or a truth value.
    Int(i64),
    /// A string.
    Text(Rc<str>),
    /// A tuple; tuples inside its tuples are [`Value::Opaque`].
    Tuple(Rc<[Value]>),
    /// A list of strings; other members are left out.
    List(Vec<Rc<str>>),
    /// A dictionary with string keys; values are tensors or dictionaries of tensors.
    Dict(Vec<(Rc<str>, Value)>),
    /// A name of Python that is known.
    Global(Global),
    /// A block of numbers that lies outside the pickle.
    Storage(Rc<Storage>),
    /// A view into a storage.
    Tensor(Rc<Tensor>),
    /// Where a sequence began.
    Mark,
}

/// The names that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Global {
    /// `collections.OrderedDict`.
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2`.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`.
    RebuildParameter,
    /// `torch.FloatStorage` and its kin.
    Storage(Dtype),
}

/// A block of numbers by its key in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// Element type.
    pub dtype: Dtype,
    /// Key in the archive.
    pub key: String,
    /// Number of elements.
    pub count: u64,
}

/// A strided view into a [`Storage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// The numbers.
    pub storage: Rc<Storage>,
    /// First element.
    pub offset: u64,
    /// Extent of each axis.
    pub shape: Vec<u64>,
    /// Step of each axis, in elements.
    pub strides: Vec<u64>,
}

/// Runs one pickle at the start of `bytes`: its value and the number of bytes it took.
///
/// # Errors
///
/// A sentence about the instruction or name that is not supported, or about where the bytes end.
pub fn unpickle(bytes: &[u8]) -> Result<(Value, usize), String> {
    let mut machine = Machine { rest: bytes, stack: Vec::new(), memo: HashMap::new() };
    for _ in 0..MAX_STEPS {
        if let Some(value) = machine.step()? {
            return Ok((value, bytes.len() - machine.rest.len()));
        }
    }
    Err("the pickle does not end".into())
}

struct Machine<'a> {
    rest: &'a [u8],
    stack: Vec<Value>,
    memo: HashMap<u32, Value>,
}

impl<'a> Machine<'a> {
    /// Executes one instruction; the final value at `STOP`.
    fn step(&mut self) -> Result<Option<Value>, String> {
        let [op] = self.array()?;
        match op {
            // PROTO and FRAME carry nothing that is needed.
            0x80 => drop(self.array::<1>()?),
            0x95 => drop(self.array::<8>()?),
            b'.' => return self.pop().map(Some),
            b'(' => self.stack.push(Value::Mark),
            b'0' => drop(self.pop()?),
            b'N' => self.stack.push(Value::Opaque),
            0x88 => self.stack.push(Value::Int(1)),
            0x89 => self.stack.push(Value::Int(0)),
            b'K' => {
                let [value] = self.array()?;
                self.stack.push(Value::Int(value.into()));
            }
            b'M' => {
                let value = u16::from_le_bytes(self.array()?);
                self.stack.push(Value::Int(value.into()));
            }
            b'J' => {
                let value = i32::from_le_bytes(self.array()?);
                self.stack.push(Value::Int(value.into()));
            }
            0x8a => {
                let [length] = self.array()?;
                let value = little_endian(self.take(length.into())?);
                self.stack.push(value);
            }
            b'G' => {
                self.array::<8>()?;
                self.stack.push(Value::Opaque);
            }
            b'X' => {
                let length = u32::from_le_bytes(self.array()?);
                self.text(length as usize)?;
            }
            0x8c | b'U' => {
                let [length] = self.array()?;
                self.text(length.into())?;
            }
            b'T' => {
                let length = u32::from_le_bytes(self.array()?);
                self.text(length as usize)?;
            }
            b'}' => self.stack.push(Value::Dict(Vec::new())),
            b']' => self.stack.push(Value::List(Vec::new())),
            b')' => self.stack.push(Value::Tuple(Rc::new([]))),
            b't' => {
                let items = self.pop_to_mark()?;
                self.stack.push(tuple(items));
            }
            0x85..=0x87 => {
                let count = usize::from(op - 0x84);
                let start = self.stack.len().checked_sub(count).ok_or("the stack is empty")?;
                let items = self.stack.split_off(start);
                self.stack.push(tuple(items));
            }
            b'q' => {
                let [index] = self.array()?;
                self.memoize(index.into())?;
            }
            b'r' => {
                let index = u32::from_le_bytes(self.array()?);
                self.memoize(index)?;
            }
            0x94 => {
                let index = u32::try_from(self.memo.len()).map_err(|_| "too many memo entries")?;
                self.memoize(index)?;
            }
            b'h' => {
                let [index] = self.array()?;
                self.recall(index.into())?;
            }
            b'j' => {
                let index = u32::from_le_bytes(self.array()?);
                self.recall(index)?;
            }
            b'c' => {
                let module = self.line()?;
                let name = self.line()?;
                self.stack.push(Value::Global(global(module, name)?));
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (module, name) else {
                    return Err("a name that is no text".into());
                };
                self.stack.push(Value::Global(global(&module, &name)?));
            }
            b'Q' => {
                let id = self.pop()?;
                self.stack.push(persistent(&id)?);
            }
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                self.stack.push(call(&function, &arguments)?);
            }
            // BUILD only sets attributes such as a state dict's version numbers.
            b'b' => drop(self.pop()?),
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.extend_dict(vec![key, value])?;
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.extend_dict(items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.extend_list(vec![item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.extend_list(items)?;
            }
            _ => return Err(format!("pickle instruction {op:#04x} is not supported")),
        }
        Ok(None)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or("the pickle is truncated")?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or("the pickle is truncated")?;
        self.rest = rest;
        Ok(*taken)
    }

    fn line(&mut self) -> Result<&'a str, String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').ok_or("the pickle is truncated")?;
        let line = self.take(end)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|_| "a name that is not UTF-8".into())
    }

    fn text(&mut self, length: usize) -> Result<(), String> {
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| "text that is not UTF-8")?;
        self.stack.push(Value::Text(text.into()));
        Ok(())
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(|| "the stack is empty".into())
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark)).ok_or("no mark on the stack")?;
        let items = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(items)
    }

    fn memoize(&mut self, index: u32) -> Result<(), String> {
        let value = match self.stack.last().ok_or("the stack is empty")? {
            // Filled later in place; a state dict never refers to one again.
            Value::Dict(_) | Value::List(_) => Value::Opaque,
            value => value.clone(),
        };
        self.memo.insert(index, value);
        Ok(())
    }

    fn recall(&mut self, index: u32) -> Result<(), String> {
        let value = self.memo.get(&index).ok_or("a memo entry that was never written")?.clone();
        self.stack.push(value);
        Ok(())
    }

    fn extend_dict(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(Value::Dict(entries)) = self.stack.last_mut() else {
            return Err("items for something that is no dictionary".into());
        };
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            let Value::Text(key) = key else { continue };
            let value = match value {
                Value::Tensor(_) => value,
                Value::Dict(mut inner) => {
                    inner.retain(|(_, value)| matches!(value, Value::Tensor(_)));
                    Value::Dict(inner)
                }
                Value::Int(_) => value,
                _ => Value::Opaque,
            };
            entries.push((key, value));
        }
        Ok(())
    }

    fn extend_list(&mut self, items: Vec<Value>) -> Result<(), String> {
        let Some(Value::List(entries)) = self.stack.last_mut() else {
            return Err("items for something that is no list".into());
        };
        entries.extend(items.into_iter().filter_map(|item| match item {
            Value::Text(text) => Some(text),
            _ => None,
        }));
        Ok(())
    }
}

/// A little-endian two's-complement number; what does not fit is of no use here.
fn little_endian(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Opaque;
    }
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut extended = [if negative { 0xff } else { 0 }; 8];
    for (to, from) in extended.iter_mut().zip(bytes) {
        *to = *from;
    }
    Value::Int(i64::from_le_bytes(extended))
}

fn tuple(items: Vec<Value>) -> Value {
    let flat = |item: Value| match item {
        Value::Tuple(inner) if inner.iter().any(|value| matches!(value, Value::Tuple(_))) => Value::Opaque,
        Value::Dict(_) | Value::List(_) => Value::Opaque,
        item => item,
    };
    Value::Tuple(items.into_iter().map(flat).collect())
}

fn global(module: &str, name: &str) -> Result<Global, String> {
    let storage = |dtype| Ok(Global::Storage(dtype));
    match (module, name) {
        ("collections", "OrderedDict") => Ok(Global::OrderedDict),
        ("torch._utils", "_rebuild_tensor_v2") => Ok(Global::RebuildTensor),
        ("torch._utils", "_rebuild_parameter") => Ok(Global::RebuildParameter),
        ("torch", "FloatStorage") => storage(Dtype::F32),
        ("torch", "HalfStorage") => storage(Dtype::F16),
        ("torch", "BFloat16Storage") => storage(Dtype::Bf16),
        ("torch", "DoubleStorage") => storage(Dtype::F64),
        ("torch", "LongStorage") => storage(Dtype::I64),
        ("torch", "IntStorage") => storage(Dtype::Other(6)),
        ("torch", "BoolStorage") => storage(Dtype::Other(9)),
        _ => Err(format!(
            "it refers to {module}.{name}, which is not loaded: save a plain state dict \
             (torch.save(model.state_dict(), FILE))"
        )),
    }
}

/// `('storage', type, key, location, count)`, in old files with a sixth member.
fn persistent(id: &Value) -> Result<Value, String> {
    let Value::Tuple(id) = id else { return Err("a persistent id that is no tuple".into()) };
    match &**id {
        [Value::Text(kind), Value::Global(Global::Storage(dtype)), Value::Text(key), _, Value::Int(count), ..]
            if &**kind == "storage" =>
        {
            let count = u64::try_from(*count).map_err(|_| "a storage of negative size")?;
            Ok(Value::Storage(Rc::new(Storage { dtype: *dtype, key: key.to_string(), count })))
        }
        _ => Err("a persistent id that is no storage".into()),
    }
}

fn call(function: &Value, arguments: &Value) -> Result<Value, String> {
    let Value::Tuple(arguments) = arguments else { return Err("a call without arguments".into()) };
    match (function, &**arguments) {
        (Value::Global(Global::OrderedDict), _) => Ok(Value::Dict(Vec::new())),
        (Value::Global(Global::RebuildParameter), [tensor @ Value::Tensor(_), ..]) => Ok(tensor.clone()),
        (
            Value::Global(Global::RebuildTensor),
            [Value::Storage(storage), Value::Int(offset), Value::Tuple(shape), Value::Tuple(strides), ..],
        ) => Ok(Value::Tensor(Rc::new(Tensor {
            storage: Rc::clone(storage),
            offset: u64::try_from(*offset).map_err(|_| "a negative offset")?,
            shape: numbers(shape)?,
            strides: numbers(strides)?,
        }))),
        _ => Err("a call that is not known".into()),
    }
}

fn numbers(values: &[Value]) -> Result<Vec<u64>, String> {
    let number = |value: &Value| match value {
        Value::Int(number) => u64::try_from(*number).map_err(|_| "a negative extent".to_owned()),
        _ => Err("an extent that is no number".into()),
    };
    values.iter().map(number).collect()
}
