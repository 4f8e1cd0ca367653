export { runCampaign, type Campaign, type CampaignResult, type Failure } from './campaign.ts';
