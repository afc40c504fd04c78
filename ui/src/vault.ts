import { mount } from "svelte";
import App from "./vault/Vault.svelte";
import { followTheme } from "./lib/theme";
import "./theme.css";

followTheme();
mount(App, { target: document.body });
