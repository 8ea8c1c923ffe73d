//! An authority of our own, which certifies a signer, and a place on loopback where its certificates are fetched.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read, Write},
    net::TcpListener,
    process::Command,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, SigningKey as _, date_time_ymd,
};

/// The name of Amazon's signer.
pub const SIGNER: &str = "echo-api.amazon.com";

/// The signer's key and another, made once: making an RSA key takes a while.
static KEYS: LazyLock<[KeyPair; 2]> = LazyLock::new(|| [rsa(), rsa()]);

fn rsa() -> KeyPair {
    let arguments = ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    let made = Command::new("openssl").args(arguments).output().expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let pem = String::from_utf8(made.stdout).expect("PEM");
    KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).expect("an RSA key")
}

/// A root, and what it signs.
pub struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
}

/// What a signer's certificate says.
pub struct Leaf {
    pub name: &'static str,
    pub from: i32,
    pub until: i32,
    pub usage: ExtendedKeyUsagePurpose,
}

impl Default for Leaf {
    fn default() -> Self {
        Self { name: SIGNER, from: 2020, until: 2060, usage: ExtendedKeyUsagePurpose::ServerAuth }
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![]).expect("no names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2060, 1, 1));
    params
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        Self { root: CertifiedIssuer::self_signed(authority(name), key).expect("a root") }
    }

    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The chain of a signer: its certificate, one between, and the root.
    pub fn chain(&self, leaf: &Leaf) -> String {
        let between = KeyPair::generate().expect("a key");
        let between = CertifiedIssuer::signed_by(authority("between"), between, &self.root).expect("an authority");
        let mut params = CertificateParams::new(vec![leaf.name.to_owned()]).expect("a name");
        (params.not_before, params.not_after) = (date_time_ymd(leaf.from, 1, 1), date_time_ymd(leaf.until, 1, 1));
        params.extended_key_usages = vec![leaf.usage.clone()];
        let signer = params.signed_by(&KEYS[0], &between).expect("a certificate");
        format!("{}{}{}", signer.pem(), between.pem(), self.root.pem())
    }
}

/// Signs as the certified signer does.
pub fn signature(body: &[u8]) -> String {
    STANDARD.encode(KEYS[0].sign(body).expect("signed"))
}

/// Signs with a key that nobody certified.
pub fn forged(body: &[u8]) -> String {
    STANDARD.encode(KEYS[1].sign(body).expect("signed"))
}

/// A place where files are fetched, over TLS or without.
pub struct Place {
    pub address: String,
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    fetched: Arc<AtomicUsize>,
    /// The certificate that a client must trust, where TLS is spoken.
    pub trust: Option<String>,
}

impl Place {
    pub fn plain() -> Self {
        Self::open(None)
    }

    pub fn secure() -> Self {
        // Fails when another test was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["localhost".into(), "127.0.0.1".into()]).expect("names");
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2060, 1, 1));
        let certificate = params.self_signed(&key).expect("a certificate");
        let private = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = rustls::ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], private).expect("a configuration");
        Self { trust: Some(certificate.pem()), ..Self::open(Some(Arc::new(config))) }
    }

    fn open(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{}", listener.local_addr().expect("an address"));
        let (files, fetched) = (Arc::new(Mutex::new(BTreeMap::new())), Arc::new(AtomicUsize::new(0)));
        let (shelf, count) = (Arc::clone(&files), Arc::clone(&fetched));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (shelf, count, tls) = (Arc::clone(&shelf), Arc::clone(&count), tls.clone());
                // A client that turns away is one of the things tried here.
                std::thread::spawn(move || match tls {
                    Some(tls) => {
                        let session = rustls::ServerConnection::new(tls).expect("a session");
                        answer(rustls::StreamOwned::new(session, stream), &shelf, &count)
                    }
                    None => answer(stream, &shelf, &count),
                });
            }
        });
        Self { address, files, fetched, trust: None }
    }

    /// Puts a file there.
    pub fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.files.lock().expect("no test panics here").insert(path.to_owned(), content.into());
    }

    /// How often something was asked for.
    pub fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: impl Read + Write, files: &Mutex<BTreeMap<String, Vec<u8>>>, count: &AtomicUsize) -> Option<()> {
    let mut head = BufReader::new(&mut stream).lines().map_while(Result::ok).take_while(|l| !l.is_empty());
    let path = head.next()?.split(' ').nth(1)?.to_owned();
    head.for_each(drop);
    count.fetch_add(1, Ordering::SeqCst);
    let file = files.lock().expect("no test panics here").get(&path).cloned();
    let head = match &file {
        None if path.ends_with("/moved.pem") => "HTTP/1.1 302 Found\r\nLocation: /echo.api/echo-api-cert.pem".into(),
        None => "HTTP/1.1 403 Forbidden".into(),
        Some(file) => format!("HTTP/1.1 200 OK\r\nContent-Length: {}", file.len()),
    };
    let extra = if file.is_none() { "\r\nContent-Length: 0" } else { "" };
    stream.write_all(format!("{head}{extra}\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    stream.write_all(&file.unwrap_or_default()).ok()?;
    stream.flush().ok()
}
