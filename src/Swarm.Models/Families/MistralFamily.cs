namespace Swarm.Models.Families;

/// <summary>Mistral (arXiv 2310.06825): Llama with an attention window in all blocks, where one is named. Its GGUF files name the Llama architecture and are read as that.</summary>
internal class MistralFamily : LlamaFamily
{
    public override string Name => "mistral";

    public override IReadOnlyList<string> HuggingFaceTypes => ["mistral"];

    public override IReadOnlyList<string> GgufArchitectures => [];

    protected override ModelConfig ReadWindow(ModelConfig config, JsonFields fields) => HuggingFaceWindow.Read(config, fields, _ => true);
}
