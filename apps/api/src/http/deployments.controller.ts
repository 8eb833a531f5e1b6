import { Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import {
  explainModel,
  meantBy,
  seenNeeds,
  type Deployment,
  type DeploymentStatus,
  type ExplainedModel,
  type LeaseRefusal,
  type ModelTable,
  type RoutingPolicy,
  type Seen,
  type SeenNeeds,
} from '@sluice/core';
import { unknownModel } from '@sluice/pipeline';
import { LiveSettings } from '../live-settings.js';
import { DEPLOYMENTS_DEPS } from '../tokens.js';
import { ApiException, apiError } from './api-error.js';
import { callSketchOf } from './call-sketch.js';
import { deploymentView, type DeploymentView } from './deployment-view.js';
import { Management } from './open-route.js';

export interface DeploymentsDeps {
  look: (group: string, ids: readonly string[]) => Promise<readonly DeploymentStatus[]>;
  seen: (needs: SeenNeeds) => Promise<ReadonlyMap<string, Seen>>;
  /** Deployments whose budget is spent. */
  spent: (models: ModelTable, policy: RoutingPolicy) => Promise<readonly LeaseRefusal[]>;
  /** @param servedIn groups whose calls may wait for it */
  reset: (deployment: Deployment, servedIn: readonly string[]) => Promise<void>;
  /** Redis TIME, as far as this process knows it. */
  nowMs: () => number;
  random: () => number;
}

const RESET = '/reset';

/** What the cluster knows of each deployment, and who would serve a call. Nobody is asked, nothing is changed, but by `reset`. */
@Controller('v1/deployments')
export class DeploymentsController {
  constructor(
    private readonly live: LiveSettings,
    @Inject(DEPLOYMENTS_DEPS) private readonly deps: DeploymentsDeps,
  ) {}

  @Management()
  @Get()
  async list(): Promise<{ object: 'list'; data: DeploymentView[] }> {
    const deployments = [...this.live.settings.models.deployments.values()];
    const statuses = await this.statusesOf(deployments);
    const nowMs = this.deps.nowMs();
    return { object: 'list', data: deployments.map((each) => deploymentView(each, statuses.get(each.id), nowMs)) };
  }

  @Management()
  @Get('explain')
  async explain(@Query() query: Record<string, unknown>): Promise<ExplainedModel> {
    const { models, policy, strictNames } = this.live.settings;
    const sketch = callSketchOf(query, this.deps.nowMs());
    const meant = meantBy(sketch, models, strictNames);
    if (meant.kind === 'unknown') throw new ApiException(unknownModel(sketch.model, meant.nearest));
    const statuses = await this.statusesOf(meant.target.group.deployments);
    const { group } = meant.target;
    const [seen, spent] = await Promise.all([
      this.deps.seen(seenNeeds({ groups: new Map([[group.name, group]]) }, policy.strategy)),
      this.deps.spent(models, policy),
    ]);
    const known = { statusOf: ({ id }: Deployment) => statuses.get(id), seen: (id: string) => seen.get(id), spent };
    return explainModel(sketch, meant, policy, known, this.deps.random);
  }

  /** An id may hold slashes. */
  @Management()
  @Get('*')
  async one(@Param('*') id: string): Promise<DeploymentView> {
    const deployment = this.named(id);
    const statuses = await this.statusesOf([deployment]);
    return deploymentView(deployment, statuses.get(deployment.id), this.deps.nowMs());
  }

  /** `ID/reset` ends its cooldown and closes its breaker, for the whole cluster. */
  @Management()
  @Post('*')
  @HttpCode(200)
  async reset(@Param('*') path: string): Promise<DeploymentView> {
    if (!path.endsWith(RESET)) throw apiError('unknown_route', `There is no POST of a deployment but ID${RESET}.`);
    const id = path.slice(0, -RESET.length);
    const deployment = this.named(id);
    const groups = [...this.live.settings.models.groups.values()];
    const servedIn = groups.filter(({ deployments }) => deployments.some((each) => each.id === deployment.id));
    await this.deps.reset(
      deployment,
      servedIn.map(({ name }) => name),
    );
    return this.one(id);
  }

  private named(id: string): Deployment {
    const deployment = this.live.settings.models.deployments.get(id);
    if (deployment === undefined) throw apiError('not_found', `There is no deployment "${id.slice(0, 200)}".`);
    return deployment;
  }

  /** One trip for each home group. */
  private async statusesOf(deployments: readonly Deployment[]): Promise<ReadonlyMap<string, DeploymentStatus>> {
    const byGroup = Map.groupBy(deployments, ({ group }) => group);
    const looks = [...byGroup].map(([group, members]) =>
      this.deps.look(
        group,
        members.map(({ id }) => id),
      ),
    );
    return new Map((await Promise.all(looks)).flat().map((status) => [status.deploymentId, status]));
  }
}
