using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;
using Kube.Types;
using Mpi.Dialects;

namespace Mpi.Operator;

/// <summary>
/// The conversion's settings as one ConfigMap holds them. Some were flags of old operators; as flags they could differ from replica to replica, and a
/// conversion that depends on who answers would change stored jobs.
/// </summary>
public static class ConversionConfigMap
{
    /// <summary>One setting: its key, the old operator's flag where there was one, its text, and its reading, null for a text that it is not.</summary>
    private sealed record Setting(string Key, string? Flag, string Rule, Func<ConversionSettings, string> Write, Func<ConversionSettings, string, ConversionSettings?> Read);

    private static readonly ImmutableArray<Setting> Settings =
    [
        new("gpusPerNode", "gpus-per-node", "a whole number of 1 or more", static s => Text(s.GpusPerNode), static (s, text) => Count(text) is { } n ? s with { GpusPerNode = n } : null),
        new("processingUnitsPerNode", "processing-units-per-node", "a whole number of 1 or more", static s => Text(s.ProcessingUnitsPerNode), static (s, text) => Count(text) is { } n ? s with { ProcessingUnitsPerNode = n } : null),
        new("processingResourceType", "processing-resource-type", "nvidia.com/gpu or cpu", static s => s.ProcessingResourceType, static (s, text) => text is "nvidia.com/gpu" or "cpu" ? s with { ProcessingResourceType = text } : null),
        new("runPolicyCleansUp", null, "true or false", static s => s.RunPolicyCleansUp ? "true" : "false", static (s, text) => text is "true" or "false" ? s with { RunPolicyCleansUp = text == "true" } : null),
    ];

    /// <summary>The old operator's flags that are settings now, without their dashes.</summary>
    public static ImmutableArray<string> Flags { get; } = [.. Settings.Select(static s => s.Flag).OfType<string>()];

    /// <summary>What a key does not say, or says wrongly, is the default: the same for every reader.</summary>
    /// <param name="faults">What is wrong, for people.</param>
    public static ConversionSettings Read(KubeObject configMap, out ImmutableArray<string> faults)
    {
        var found = ImmutableArray.CreateBuilder<string>();
        var settings = ConversionSettings.Default;
        foreach (var (key, text) in configMap.Root.TextMap("data").OrderBy(static d => d.Key, StringComparer.Ordinal))
        {
            if (Settings.FirstOrDefault(s => s.Key == key) is not { } setting) found.Add($"{key} is no setting; they are {string.Join(", ", Settings.Select(static s => s.Key))}");
            else if (setting.Read(settings, text) is { } read) settings = read;
            else found.Add($"{key}: \"{text}\" is not {setting.Rule}; {setting.Write(ConversionSettings.Default)} is used");
        }

        faults = found.ToImmutable();
        return settings;
    }

    public static KubeObject Write(ConversionSettings settings, string ns) => KubeObject.From(new JsonObject
    {
        ["apiVersion"] = Kinds.ConfigMap.ApiVersion,
        ["kind"] = Kinds.ConfigMap.Kind,
        ["metadata"] = new JsonObject { ["name"] = ConversionOptions.SettingsName, ["namespace"] = ns, ["labels"] = new JsonObject { ["app"] = "mpi-operator" } },
        ["data"] = Settings.Select(s => KeyValuePair.Create(s.Key, s.Write(settings))).ToTree(),
    });

    /// <summary>The settings with what flags say in place of what they said.</summary>
    /// <param name="flags">By name without dashes; those that were given.</param>
    /// <param name="faults">Flags with a wrong value.</param>
    public static ConversionSettings Over(ConversionSettings settings, ImmutableDictionary<string, string> flags, out ImmutableArray<string> faults)
    {
        var found = ImmutableArray.CreateBuilder<string>();
        foreach (var setting in Settings)
        {
            if (setting.Flag is null || !flags.TryGetValue(setting.Flag, out var text)) continue;
            if (setting.Read(settings, text) is { } read) settings = read;
            else found.Add($"flag -{setting.Flag}: \"{text}\" is not {setting.Rule}");
        }

        faults = found.ToImmutable();
        return settings;
    }

    /// <summary>Where flags say otherwise than the ConfigMap, which holds: one sentence each, with the way to change it.</summary>
    public static IEnumerable<string> Contradictions(ConversionSettings settings, ImmutableDictionary<string, string> flags, string ns)
    {
        var wanted = Over(settings, flags, out _);
        return Settings.Where(s => s.Write(settings) != s.Write(wanted)).Select(s =>
            $"--{s.Flag}={s.Write(wanted)} has no effect: ConfigMap {ns}/{ConversionOptions.SettingsName} says {s.Write(settings)}, for all replicas. Drop the flag, or change it there: "
            + $"kubectl -n {ns} patch configmap {ConversionOptions.SettingsName} --type=merge -p '{{\"data\":{{\"{s.Key}\":\"{s.Write(wanted)}\"}}}}'");
    }

    private static int? Count(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 ? number : null;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
