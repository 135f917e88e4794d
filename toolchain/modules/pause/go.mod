module llm-gateway/toolchain/pause

go 1.25
