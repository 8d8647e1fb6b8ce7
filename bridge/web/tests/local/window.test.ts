import { windowSuite } from "../window/suite";

windowSuite(["webview", "websocket", "http", "local"], process.env.TANDEM_WASM);
