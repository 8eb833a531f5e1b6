/**
 * Every key that LiteLLM's documentation or code knows, and what this version of Sluice makes of it. Derived from the
 * design's litellm-keys.json (LiteLLM 1.85, read 2026-11-21). When a key comes to life, it moves to `applied` here and
 * its reader is written; nothing else has to change.
 *
 * `applied`   a reader exists (it may still say more: a routing strategy that is not built)
 * `always`    Sluice always does what the key asks for
 * `harmless`  ignoring it changes neither who may call nor what is served or spent
 * `blocking`  ignoring it would; `false`, empty and absent values block nothing
 * `noEffect`  LiteLLM ignores it too, or it tunes LiteLLM's own process
 */
export interface KnownKeys {
  readonly applied: string;
  readonly always?: string;
  readonly harmless?: string;
  readonly blocking?: string;
  readonly noEffect?: string;
  /** Spellings that LiteLLM ignores in silence. */
  readonly misspelt?: Readonly<Record<string, string>>;
}

export type SectionName = keyof typeof KNOWN_KEYS;

/** Prices that Sluice reckons with. */
const PRICES = `input_cost_per_token output_cost_per_token cache_creation_input_token_cost cache_read_input_token_cost
  output_cost_per_reasoning_token input_cost_per_token_above_200k_tokens output_cost_per_token_above_200k_tokens
  cache_read_input_token_cost_above_200k_tokens cache_creation_input_token_cost_above_200k_tokens`;
const OTHER_PRICES = `input_cost_per_token_above_* output_cost_per_token_above_* cache_creation_input_token_cost_above_*
  cache_read_input_token_cost_above_* input_cost_per_token_batches output_cost_per_token_batches input_cost_per_token_flex
  output_cost_per_token_flex input_cost_per_token_priority output_cost_per_token_priority
  input_cost_per_audio_token output_cost_per_audio_token input_cost_per_query citation_cost_per_token
  search_context_cost_per_query tiered_pricing output_cost_per_image_token *_cost_per_second *_cost_per_pixel
  *_cost_per_image *_cost_per_character *_cost_per_audio_per_second *_cost_per_video_per_second`;

/** Members of a chat completion that a deployment may set as defaults: the client's value wins. */
export const CHAT_PARAMETERS = `temperature top_p top_k n stop max_tokens max_completion_tokens presence_penalty
  frequency_penalty logit_bias logprobs top_logprobs seed user response_format tools tool_choice parallel_tool_calls
  functions function_call stream_options service_tier store reasoning_effort thinking verbosity modalities audio
  prediction web_search_options safety_identifier prompt_cache_key prompt_cache_retention min_p repetition_penalty`;

export const KNOWN_KEYS = {
  top: {
    applied: `model_list litellm_settings router_settings general_settings environment_variables include credential_list
      sluice`,
    harmless: `callback_settings prompts mcp_servers mcp_tools agent_list search_tools vector_store_registry files_settings
      finetune_settings assistant_settings default_vertex_config pass_through_endpoints`,
    blocking: 'guardrails',
  },
  sluice: {
    applied: `midstream wait outage_wait strict deployment_limits hedge durability retry_budget tenant_weights max_queued_jobs
      max_queued_jobs_per_tenant max_queued_mb max_queued_mb_per_tenant groups
      hedge_after hedge_budget webhooks files`,
    harmless: 'cache_scope images admin',
  },
  sluiceWebhooks: { applied: 'allow_http allow_networks' },
  sluiceFiles: { applied: 's3' },
  sluiceS3: { applied: 'bucket endpoint region prefix force_path_style' },
  sluiceGroup: { applied: 'midstream hedge hedge_after hedge_budget', blocking: 'retry_budget wait outage_wait' },
  credential: { applied: 'credential_name credential_values', always: 'credential_info' },
  modelEntry: { applied: 'model_name litellm_params model_info rpm tpm' },
  litellmParams: {
    applied: `model custom_llm_provider api_key api_base base_url api_version organization litellm_credential_name rpm tpm
      max_parallel_requests weight order timeout request_timeout stream_timeout num_retries cooldown_time drop_params
      additional_drop_params allowed_openai_params mock_response mock_delay mock_timeout extra_headers extra_body
      azure_ad_token tenant_id
      client_id client_secret azure_scope region_name tags max_budget budget_duration
      ${PRICES} ${CHAT_PARAMETERS}`,
    harmless: `tag_regex ${OTHER_PRICES} auto_router_config_path auto_router_config auto_router_default_model
      auto_router_embedding_model complexity_router_* adaptive_router_* prompt_id prompt_variables realtime_protocol
      s3_bucket_name s3_encryption_key_id gcs_bucket_name max_file_size_mb use_in_pass_through watsonx_region_name`,
    blocking: `cache_control_injection_points merge_reasoning_content_in_choices
      use_litellm_proxy configurable_clientside_auth_params`,
    noEffect: `max_retries rust stream vertex_project vertex_location vertex_credentials aws_access_key_id
      aws_secret_access_key aws_session_token aws_region_name aws_role_name aws_session_name aws_profile_name
      aws_web_identity_token aws_bedrock_runtime_endpoint`,
    misspelt: {
      api_url: 'api_base',
      api_endpoint: 'api_base',
      azure_endpoint: 'api_base',
      openai_api_base: 'api_base',
      endpoint: 'api_base',
      baseurl: 'base_url',
    },
  },
  /** `litellm_params` of a router, and the conditions of its rules. */
  routerGroup: { applied: 'model rules default' },
  routerRule: { applied: 'when use' },
  routerWhen: {
    applied: 'input_tokens_over has_images has_tools wants_json code_language tag matches hours',
  },
  modelInfo: {
    applied: `id base_model cooldown_time allowed_fails allowed_fails_policy rpm tpm supported_environments max_input_tokens max_tokens max_output_tokens
      supports_vision supports_function_calling supports_response_schema supports_reasoning supports_assistant_prefill
      supports_pdf_input supports_audio_input supports_prompt_caching ${PRICES}`,
    harmless: `mode access_groups disable_background_health_check health_check_model supports_* tier custom_tokenizer
      allow_fail_open ${OTHER_PRICES}`,
    blocking: 'team_id team_public_model_name',
    noEffect: 'db_model health_check_timeout health_check_max_tokens health_check_voice',
  },
  router: {
    applied: `routing_strategy routing_strategy_args routing_groups provider_budget_config deployment_affinity_ttl_seconds
      model_group_affinity_config
      model_group_alias num_retries retry_after timeout request_timeout stream_timeout
      cooldown_time disable_cooldowns allowed_fails allowed_fails_policy retry_policy model_group_retry_policy max_fallbacks fallbacks default_fallbacks context_window_fallbacks
      content_policy_fallbacks enable_pre_call_checks optional_pre_call_checks default_litellm_params
      default_max_parallel_requests redis_url redis_host redis_port redis_password redis_db idle_timeout connect_timeout
      max_queue_wait enable_tag_filtering tag_filtering_match_any`,
    always: 'enable_weighted_failover',
    harmless: `cache_responses caching_groups alerting_config assistants_config search_tools`,
    noEffect: `client_ttl cache_kwargs polling_interval set_verbose debug_level ignore_invalid_deployments
      router_general_settings default_priority`,
    misspelt: { enable_pre_call_check: 'enable_pre_call_checks' },
  },
  litellm: {
    applied: `drop_params num_retries request_timeout timeout retry_after cooldown_time allowed_fails fallbacks
      default_fallbacks context_window_fallbacks content_policy_fallbacks set_verbose json_logs success_callback
      failure_callback callbacks service_callback timezone`,
    always: 'modify_params redact_messages_in_exceptions turn_off_message_logging redact_user_api_key_info',
    harmless: `cache cache_params langfuse_public_key langfuse_secret_key langfuse_secret langfuse_host
      langfuse_default_tags default_internal_user_params default_team_params default_key_generate_params
      upperbound_key_generate_params default_team_settings cost_discount_config cost_margin_config
      skip_system_message_in_guardrail require_auth_for_metrics_endpoint store_audit_logs prometheus_litellm_names
      log_raw_request_response key_generation_settings priority_reservation priority_reservation_settings
      model_group_settings public_model_groups public_model_groups_links mcp_aliases tag_budget_config responses
      prometheus_metrics_config prometheus_initialize_budget_metrics custom_prometheus_metadata_labels
      custom_prometheus_tags enable_end_user_cost_tracking_prometheus_only disable_end_user_cost_tracking
      disable_end_user_cost_tracking_prometheus_only ssl_verify ssl_certificate s3_callback_params datadog_params
      aws_sqs_callback_params skip_tool_message_in_guardrail`,
    blocking: `max_budget budget_duration max_internal_user_budget internal_user_budget_duration max_end_user_budget
      guardrails custom_provider_map`,
    noEffect: `stream force_ipv4 aiohttp_trust_env default_redis_ttl default_in_memory_ttl
      default_redis_batch_cache_expiry enable_redis_auth_cache network_mock disable_copilot_system_to_assistant
      route_all_chat_openai_to_responses use_chat_completions_url_for_anthropic_messages`,
  },
  general: {
    applied: 'master_key max_request_size_mb database_url',
    always: 'enable_health_check_routing',
    harmless: `alerting alert_types alert_to_webhook_url alerting_threshold alerting_args
      background_health_checks health_check_interval token_rate_limit_type enforce_fallback_budget user_header_name
      user_header_mappings use_x_forwarded_for embedding_model moderation_model user_api_key_cache_ttl disable_spend_logs
      store_prompts_in_spend_logs maximum_spend_logs_retention_period allow_requests_on_db_unavailable
      proxy_batch_write_at store_model_in_db spend_report_frequency pass_through_endpoints infer_model_from_keys
      image_generation_model alert_type_config forward_openai_org_id forward_llm_provider_auth_headers ui_access_mode
      control_plane_url service_account_settings disable_responses_id_security max_response_size_mb`,
    blocking: `max_parallel_requests global_max_parallel_requests enforce_fallback_model_access litellm_key_header_name
      enforce_user_param allowed_ips always_include_stream_usage completion_model apply_user_budget_to_team_keys
      reject_clientside_metadata_tags public_routes forward_client_headers_to_llm_api custom_auth
      custom_auth_run_common_checks custom_key_generate custom_key_update custom_sso custom_ui_sso_sign_in_handler
      enable_jwt_auth litellm_jwtauth enable_oauth2_auth enable_oauth2_proxy_auth key_management_system
      key_management_settings allow_client_side_credentials enforced_params admin_only_routes allowed_routes
      role_permissions`,
    noEffect: `database_connection_pool_limit database_connection_timeout database_extra_connection_params
      supported_db_objects disable_error_logs disable_spend_updates disable_adding_master_key_hash_to_db
      maximum_spend_logs_retention_interval maximum_spend_logs_cleanup_cron use_spend_logs_partitioning
      proxy_budget_rescheduler_min_time proxy_budget_rescheduler_max_time proxy_batch_polling_interval
      use_redis_transaction_buffer health_check_details health_check_concurrency use_shared_health_check
      health_check_staleness_threshold health_check_ignore_transient_errors disable_prisma_schema_update
      fail_closed_budget_enforcement disable_budget_reservation litellm_license proxy_base_url
      disable_master_key_return enable_public_model_hub`,
  },
} as const satisfies Record<string, KnownKeys>;

/** Hooks written in Python: no version of Sluice can run them. */
export const PYTHON_HOOKS = new Set(
  'custom_auth custom_key_generate custom_key_update custom_sso custom_ui_sso_sign_in_handler custom_provider_map'.split(
    ' ',
  ),
);

/** Why a key without effect has none, where more can be said than "LiteLLM's own process". */
export const NO_EFFECT_REASONS: Readonly<Record<string, string>> = {
  'litellm.stream': 'LiteLLM ignores it too: whether to stream is the choice of each call',
  'litellmParams.stream': 'whether to stream is the choice of each call',
  'router.default_priority': 'the priority of each call is what counts',
  'router.set_verbose': 'litellm_settings.set_verbose is the one that is read',
  'litellmParams.max_retries': 'LiteLLM forces it to 0; retries are num_retries',
};
