import { mount } from "svelte";
import App from "./approval/Approval.svelte";
import { followTheme } from "./lib/theme";
import "./theme.css";

followTheme();
mount(App, { target: document.body });
