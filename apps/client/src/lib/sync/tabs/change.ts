/** The origin of a transaction that brought what another tab of this device has. */
export class TabChange {
  /** It is what was done in that tab, not what merely arrived there. */
  readonly own: boolean;
  /** It is in the device's database already. */
  readonly committed: boolean;

  constructor(own: boolean, committed: boolean) {
    this.own = own;
    this.committed = committed;
  }
}
