using Kube.Types;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Mpi.LocalCluster;

/// <summary>A part of a YAML text with the places where it begins and ends, so that the text around it can be left as it is.</summary>
/// <param name="Start">The offset of its first character; of a block list, of its first hyphen.</param>
/// <param name="End">The offset behind its last character; an empty value ends where it begins.</param>
/// <param name="IsFlow">Written with brackets or braces.</param>
internal abstract record MarkedYaml(int Start, int End, bool IsFlow)
{
    internal sealed record Scalar(int Start, int End, string Value, bool IsPlain) : MarkedYaml(Start, End, IsFlow: true)
    {
        public bool IsNull => IsPlain && Value is "" or "~" or "null" or "Null" or "NULL";
    }

    internal sealed record List(int Start, int End, bool IsFlow, IReadOnlyList<MarkedYaml> Items) : MarkedYaml(Start, End, IsFlow);

    internal sealed record Map(int Start, int End, bool IsFlow, IReadOnlyList<(Scalar Key, MarkedYaml Value)> Members) : MarkedYaml(Start, End, IsFlow)
    {
        public MarkedYaml? this[string key] => Members.FirstOrDefault(m => m.Key.Value == key).Value;
    }

    /// <summary>The first document of a text; null when there is none.</summary>
    /// <exception cref="YamlSyntaxException">The text is no YAML.</exception>
    public static MarkedYaml? Read(string text)
    {
        try
        {
            return new Reader(text).Document();
        }
        catch (YamlException fault)
        {
            throw new YamlSyntaxException(fault.Message, (int)fault.Start.Line, (int)fault.Start.Column);
        }
    }

    private sealed class Reader(string text)
    {
        private readonly Parser _parser = new(new StringReader(text));
        private readonly int[] _lines = LineStarts(text);

        public MarkedYaml? Document()
        {
            _parser.Consume<StreamStart>();
            if (_parser.Accept<StreamEnd>(out _)) return null;
            _parser.Consume<DocumentStart>();
            return Node();
        }

        private MarkedYaml Node()
        {
            if (_parser.TryConsume<YamlDotNet.Core.Events.Scalar>(out var scalar))
            {
                var start = At(scalar.Start);
                return new Scalar(start, scalar.Value.Length == 0 && scalar.Style == ScalarStyle.Plain ? start : At(scalar.End), scalar.Value, scalar.Style == ScalarStyle.Plain);
            }

            if (_parser.TryConsume<AnchorAlias>(out var alias)) return new Scalar(At(alias.Start), At(alias.End), $"*{alias.Value}", IsPlain: true);
            if (_parser.TryConsume<SequenceStart>(out var list))
            {
                var items = new List<MarkedYaml>();
                while (!_parser.Accept<SequenceEnd>(out _)) items.Add(Node());
                var end = _parser.Consume<SequenceEnd>();
                var flow = list.Style == SequenceStyle.Flow;
                return new List(At(list.Start), flow || items.Count == 0 ? At(end.Start) + 1 : items[^1].End, flow, items);
            }

            var map = _parser.Consume<MappingStart>();
            var members = new List<(Scalar, MarkedYaml)>();
            while (!_parser.Accept<MappingEnd>(out _))
            {
                if (Node() is not Scalar key) throw new YamlException(map.Start, map.End, "a key must be a plain word or text");
                members.Add((key, Node()));
            }

            var last = _parser.Consume<MappingEnd>();
            // A block ends where its last value does; the parser's own mark stands behind the comments that follow.
            var isFlow = map.Style == MappingStyle.Flow;
            return new Map(At(map.Start), isFlow || members.Count == 0 ? At(last.Start) + 1 : Math.Max(members[^1].Item1.End, members[^1].Item2.End), isFlow, members);
        }

        private int At(Mark mark) => Math.Min(text.Length, _lines[Math.Min((int)mark.Line - 1, _lines.Length - 1)] + (int)mark.Column - 1);

        private static int[] LineStarts(string text)
        {
            var starts = new List<int> { 0 };
            for (var i = 0; i < text.Length; i++)
            {
                if (text[i] == '\n') starts.Add(i + 1);
            }

            return [.. starts];
        }
    }
}
