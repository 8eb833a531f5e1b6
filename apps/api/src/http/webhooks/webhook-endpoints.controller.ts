import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { AddressRules } from '@sluice/webhooks';
import type { FastifyRequest } from 'fastify';
import { LiveSettings } from '../../live-settings.js';
import { apiError } from '../api-error.js';
import { listPage, readPage, type ListPage, type QueryParams } from '../list-page.js';
import { tenantOf } from '../request-options.js';
import { deliveryView, type DeliveryView } from './delivery-view.js';
import { endpointView, type EndpointView } from './endpoint-view.js';
import { KeptDeliveries } from './kept-deliveries.js';
import { KeptEndpoints } from './kept-endpoints.js';
import { readEndpoint } from './read-endpoint.js';

type WithSecret = EndpointView & { secret: string };

/** Receivers of a tenant's events (API.md 5). */
@Controller(['v1/webhook_endpoints', 'webhook_endpoints'])
export class WebhookEndpointsController {
  constructor(
    private readonly live: LiveSettings,
    private readonly endpoints: KeptEndpoints,
    private readonly deliveries: KeptDeliveries,
  ) {}

  @Post()
  @HttpCode(200)
  async create(@Body() body: unknown, @Req() { headers }: FastifyRequest): Promise<WithSecret> {
    const { url, ...rest } = readEndpoint(body, this.rules());
    if (url === undefined) throw apiError('invalid_request', 'url must be a URL.', 'url');
    const { endpoint, secret } = await this.endpoints.create(tenantOf(headers), { url, ...rest });
    return { ...endpointView(endpoint), secret };
  }

  @Get()
  async list(@Query() query: QueryParams, @Req() { headers }: FastifyRequest): Promise<ListPage<EndpointView>> {
    const page = readPage(query);
    return listPage(await this.endpoints.list(tenantOf(headers), page), page.limit, endpointView);
  }

  @Get(':id')
  async one(@Param('id') id: string, @Req() { headers }: FastifyRequest): Promise<EndpointView> {
    return endpointView(await this.endpoints.find(tenantOf(headers), id));
  }

  @Patch(':id')
  async change(
    @Param('id') id: string,
    @Body() body: unknown,
    @Req() { headers }: FastifyRequest,
  ): Promise<EndpointView> {
    return endpointView(await this.endpoints.change(tenantOf(headers), id, readEndpoint(body, this.rules())));
  }

  @Delete(':id')
  async remove(@Param('id') id: string, @Req() { headers }: FastifyRequest): Promise<unknown> {
    await this.endpoints.remove(tenantOf(headers), id);
    return { id, object: 'webhook_endpoint', deleted: true };
  }

  @Post(':id/rotate_secret')
  @HttpCode(200)
  async rotate(@Param('id') id: string, @Req() { headers }: FastifyRequest): Promise<WithSecret> {
    const { endpoint, secret } = await this.endpoints.rotate(tenantOf(headers), id);
    return { ...endpointView(endpoint), secret };
  }

  @Post(':id/ping')
  @HttpCode(202)
  async ping(@Param('id') id: string, @Req() { headers }: FastifyRequest): Promise<DeliveryView> {
    return deliveryView(await this.deliveries.ping(await this.endpoints.find(tenantOf(headers), id)));
  }

  private rules(): AddressRules {
    return new AddressRules(this.live.settings.webhooks);
  }
}
