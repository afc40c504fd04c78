import { mount } from "svelte";
import App from "./main/Main.svelte";
import { followTheme } from "./lib/theme";
import "./theme.css";

followTheme();
mount(App, { target: document.body });
