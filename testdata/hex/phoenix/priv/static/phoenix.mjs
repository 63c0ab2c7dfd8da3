// What an app imports from "phoenix"; it is found below `deps`, so it is there only after `mix deps.get`.
export class Socket {
  constructor(path) {
    this.path = path
  }

  describe() {
    return `phoenix socket at ${this.path}`
  }
}
