using System.Text.Json;
using Swarm.Models;

namespace Swarm.Cli.Inspecting;

/// <summary>The fields of inspect's <c>done</c>.</summary>
internal static class InspectionJson
{
    public static void Write(Utf8JsonWriter json, ModelInspection model, string numericsClass)
    {
        ModelConfig config = model.Config;
        json.WriteString("name", model.Source.Name);
        json.WriteString("path", model.Source.Location);
        json.WriteString("family", config.Family);
        if (model.Identity is { } identity)
            json.WriteString("identity", identity.Hex);
        else
            json.WriteNull("identity");
        if (model.Missing is { } missing)
            json.WriteString("missing", missing);
        json.WriteString("numerics", numericsClass);
        json.WriteString("weights", ModelIdentity.WeightsName(model.Source.Weights));
        json.WriteNumber("parameters", model.Parameters);
        json.WriteNumber("hidden", config.Hidden);
        json.WriteNumber("heads", config.Heads);
        json.WriteNumber("keyValueHeads", config.KeyValueHeads);
        json.WriteNumber("headDimension", config.HeadDimension);
        json.WriteNumber("feedForward", config.FeedForward);
        json.WriteNumber("vocabulary", config.Vocabulary);
        json.WriteNumber("context", config.Context);
        json.WriteBoolean("tiedEnds", config.TiedEnds);
        json.WriteString("attention", config.Latent is null ? "grouped" : "latent");
        json.WriteNumber("window", config.Window);
        WriteExperts(json, config.Experts);
        json.WriteNumber("bytes", model.StoredBytes);
        json.WriteNumber("heldBytes", model.HeldBytes);
        json.WriteStartObject("ends");
        model.Ends.WriteTo(json);
        json.WriteEndObject();
        json.WriteStartArray("blocks");
        for (int i = 0; i < model.Blocks.Count; i++)
        {
            json.WriteStartObject();
            json.WriteNumber("block", i);
            model.Blocks[i].WriteTo(json);
            json.WriteNumber("window", config.Block(i).Window);
            json.WriteNumber("experts", config.Experts is { } experts && experts.In(i) ? experts.Router.Experts : 0);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteTexts(json, model.Source);
    }

    private static void WriteExperts(Utf8JsonWriter json, ExpertConfig? experts)
    {
        if (experts is null)
        {
            json.WriteNull("experts");
            return;
        }

        json.WriteStartObject("experts");
        json.WriteNumber("count", experts.Router.Experts);
        json.WriteNumber("chosen", experts.Router.Chosen);
        json.WriteNumber("feedForward", experts.FeedForward);
        json.WriteNumber("sharedFeedForward", experts.SharedFeedForward);
        json.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter json, ModelSource source)
    {
        if (source.Tokenizer is { } tokenizer)
        {
            json.WriteStartObject("tokenizer");
            json.WriteString("kind", tokenizer.Kind);
            json.WriteNumber("vocabularySize", tokenizer.VocabularySize);
            WriteOptional(json, "bos", tokenizer.SpecialTokens.Bos);
            WriteOptional(json, "eos", tokenizer.SpecialTokens.Eos);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("tokenizer");
        }

        if (source.ChatTemplateText is { } template)
            json.WriteString("chatTemplate", template);
        else
            json.WriteNull("chatTemplate");
    }

    private static void WriteOptional(Utf8JsonWriter json, string name, int? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }
}
