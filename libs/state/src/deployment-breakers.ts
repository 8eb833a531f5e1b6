import CircuitBreaker from 'opossum';

type Call = () => Promise<unknown>;

/** opossum's own test, LITELLM.md 4: over half of at least ten calls in ten seconds. */
const OPTIONS: CircuitBreaker.Options = {
  // One AbortController per breaker: a timeout of one call would abort its neighbours. Calls bring their own.
  timeout: false,
  errorThresholdPercentage: 50,
  volumeThreshold: 10,
  rollingCountTimeout: 10_000,
  // Never half-open by itself: who may probe, and when, the lease script says, once for the whole cluster.
  resetTimeout: 2 ** 31 - 1,
  rollingPercentilesEnabled: false,
  enableSnapshots: false,
};

/**
 * This process's view of each deployment: one opossum circuit, fed with how its calls ended. What it adds to the cluster's
 * breaker, which alone admits and refuses (the lease scripts), is its test of the error rate: `record` tells when that
 * made the circuit go open, the settle script then opens the breaker for everybody, and `sync` follows.
 */
export class DeploymentBreakers {
  private readonly circuits = new Map<string, CircuitBreaker<[Call], unknown>>();

  /**
   * A `neutral` outcome is not fed: opossum counts a filtered error as a success, which would dilute the rate. Neither is
   * one that ends after the circuit went open.
   * @returns tripped: this outcome made the circuit go open.
   */
  async record(deploymentId: string, outcome: 'success' | 'failure' | 'neutral'): Promise<{ tripped: boolean }> {
    if (outcome === 'neutral') return { tripped: false };
    const circuit = this.circuitOf(deploymentId);
    if (!circuit.closed) return { tripped: false };
    await circuit.fire(outcome === 'success' ? succeed : fail).catch(() => undefined);
    return { tripped: outcome === 'failure' && circuit.opened };
  }

  /**
   * Follows the cluster: after a settle, and after a take (`closed` when the lease is no probe). Does nothing when already
   * there. What was counted before a closing is forgotten, or the first failure after a recovery would trip again.
   */
  sync(deploymentId: string, clusterState: 'open' | 'closed'): void {
    if (clusterState === 'open') {
      this.circuitOf(deploymentId).open();
      return;
    }
    const circuit = this.circuits.get(deploymentId);
    if (!circuit?.opened) return;
    circuit.shutdown();
    this.circuits.delete(deploymentId);
  }

  isOpen(deploymentId: string): boolean {
    return this.circuits.get(deploymentId)?.opened ?? false;
  }

  /** Forgets all others: they are not in the configuration any more. */
  keep(deploymentIds: ReadonlySet<string>): void {
    for (const [id, circuit] of this.circuits) {
      if (deploymentIds.has(id)) continue;
      circuit.shutdown();
      this.circuits.delete(id);
    }
  }

  /** Stops opossum's timers. May be called twice; a later `record` begins anew. */
  stop(): void {
    for (const circuit of this.circuits.values()) circuit.shutdown();
    this.circuits.clear();
  }

  private circuitOf(deploymentId: string): CircuitBreaker<[Call], unknown> {
    let circuit = this.circuits.get(deploymentId);
    if (!circuit) {
      circuit = new CircuitBreaker((call: Call) => call(), { ...OPTIONS, name: deploymentId });
      this.circuits.set(deploymentId, circuit);
    }
    return circuit;
  }
}

const FAILED = new Error('a call failed');
const succeed: Call = () => Promise.resolve();
const fail: Call = () => Promise.reject(FAILED);
