import { Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { listPage, readPage, textOf, type ListPage, type QueryParams } from '../list-page.js';
import { tenantOf } from '../request-options.js';
import { deliveryView, type DeliveryView } from './delivery-view.js';
import { KeptDeliveries } from './kept-deliveries.js';

/** What was sent to whom, and what came of it (API.md 5). */
@Controller(['v1/deliveries', 'deliveries'])
export class DeliveriesController {
  constructor(private readonly deliveries: KeptDeliveries) {}

  @Get()
  async list(@Query() query: QueryParams, @Req() { headers }: FastifyRequest): Promise<ListPage<DeliveryView>> {
    const page = readPage(query);
    const filter = { endpointId: textOf(query, 'endpoint_id'), jobId: textOf(query, 'job_id') };
    return listPage(await this.deliveries.list(tenantOf(headers), filter, page), page.limit, deliveryView);
  }

  @Get(':id')
  async one(@Param('id') id: string, @Req() { headers }: FastifyRequest): Promise<DeliveryView> {
    return deliveryView(await this.deliveries.find(tenantOf(headers), id));
  }

  @Post(':id/redeliver')
  @HttpCode(202)
  async redeliver(@Param('id') id: string, @Req() { headers }: FastifyRequest): Promise<DeliveryView> {
    return deliveryView(await this.deliveries.redeliver(tenantOf(headers), id));
  }
}
