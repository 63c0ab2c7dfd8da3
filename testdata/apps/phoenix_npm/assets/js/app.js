import {Socket} from "phoenix"
import colocated from "phoenix-colocated/phoenix_npm"

const greeting = `${colocated["PhoenixNpmWeb.Page.greeting"]()}; ${new Socket("/live").describe()}`
document.getElementById("greeting").textContent = greeting
