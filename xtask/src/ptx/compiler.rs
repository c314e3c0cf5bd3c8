//! NVRTC, as far as it is needed here.

use std::ffi::{CStr, CString, c_char, c_int};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use cudarc::nvrtc::result;
use cudarc::nvrtc::sys::{is_culib_present, nvrtcCreateProgram, nvrtcProgram, nvrtcVersion};

use super::{Sources, VERSION, sources};

/// The loaded library.
pub(super) struct Compiler(());

/// What comes of a compilation.
pub(super) struct Compiled {
    /// PTX as text.
    pub(super) ptx: String,
    /// The compiler's warnings.
    pub(super) log: String,
}

impl Compiler {
    /// Loads the library and looks at its version.
    pub(super) fn new(path: &Path) -> Result<Compiler> {
        #[allow(unsafe_code, reason = "opening a library runs its initialisers")]
        // SAFETY: NVRTC's initialisers need nothing of the program.
        let library = unsafe { libloading::Library::new(path) };
        let library = library.with_context(|| format!("loading {}", path.display()))?;
        // It stays loaded, so that cudarc, which asks for libnvrtc.so.12 without
        // a path, is given this one.
        std::mem::forget(library);
        #[allow(unsafe_code, reason = "opening a library runs its initialisers")]
        // SAFETY: as above.
        let found = unsafe { is_culib_present() };
        ensure!(found, "{}: expected a libnvrtc.so.12", path.display());
        let (mut major, mut minor) = (0, 0);
        #[allow(unsafe_code, reason = "a call of NVRTC")]
        // SAFETY: it writes two numbers.
        unsafe { nvrtcVersion(&raw mut major, &raw mut minor) }.result()?;
        ensure!(
            VERSION.starts_with(&format!("{major}.{minor}.")),
            "expected NVRTC {VERSION}, found {major}.{minor}; if {} is right, \
             the loader finds another libnvrtc.so before it: see LD_LIBRARY_PATH",
            path.display()
        );
        Ok(Compiler(()))
    }

    /// Compiles to PTX for a compute capability.
    ///
    /// # Errors
    /// The compiler's messages, with file and line.
    pub(super) fn compile(&self, sources: &Sources, capability: u32) -> Result<Compiled> {
        let options = sources::options(capability);
        let program = Program::new(sources)?;
        #[allow(unsafe_code, reason = "a call of NVRTC")]
        // SAFETY: the program was created and not destroyed.
        let compiled = unsafe { result::compile_program(program.0, &options) };
        #[allow(unsafe_code, reason = "a call of NVRTC")]
        // SAFETY: as above.
        let log = text(&unsafe { result::get_program_log(program.0) }?)?;
        if let Err(error) = compiled {
            let name = &sources.name;
            bail!("kernels/{name}: {error}\n{}", log.trim());
        }
        #[allow(unsafe_code, reason = "a call of NVRTC")]
        // SAFETY: as above.
        let ptx = text(&unsafe { result::get_ptx(program.0) }?)?;
        Ok(Compiled { ptx, log })
    }
}

/// A program that is destroyed at the end.
struct Program(nvrtcProgram);

impl Program {
    fn new(sources: &Sources) -> Result<Program> {
        let owned = |text: &str| CString::new(text).context("a source file holds a NUL");
        let (name, main) = (owned(&sources.name)?, owned(&sources.text)?);
        let mut headers = Vec::new();
        for (name, text) in &sources.headers {
            headers.push((owned(name)?, owned(text)?));
        }
        let texts: Vec<_> = headers.iter().map(|(_, text)| text.as_ptr()).collect();
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_ptr()).collect();
        let count = c_int::try_from(headers.len())?;
        let mut program = std::ptr::null_mut();
        #[allow(unsafe_code, reason = "a call of NVRTC")]
        // SAFETY: all pointers are to strings that end in NUL and outlive the
        // call, both arrays have `count` of them, and NVRTC copies the texts.
        unsafe {
            nvrtcCreateProgram(
                &raw mut program,
                main.as_ptr(),
                name.as_ptr(),
                count,
                texts.as_ptr(),
                names.as_ptr(),
            )
        }
        .result()?;
        Ok(Program(program))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        #[allow(unsafe_code, reason = "a call of NVRTC")]
        // SAFETY: the program was created and nobody uses it any more.
        let destroyed = unsafe { result::destroy_program(self.0) };
        debug_assert!(destroyed.is_ok(), "destroying a program");
    }
}

/// Text up to the NUL that NVRTC puts at its end.
fn text(characters: &[c_char]) -> Result<String> {
    let bytes: &[u8] = bytemuck::cast_slice(characters);
    let text = CStr::from_bytes_until_nul(bytes).context("NVRTC's text does not end")?;
    Ok(text
        .to_str()
        .context("NVRTC's text is no UTF-8")?
        .to_owned())
}
