using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Kube.ApiServer.Tests;

public sealed class CelTests
{
    private const string Schema =
        """
        {"type":"object","properties":{
          "n":{"type":"integer"},"x":{"type":"number"},"s":{"type":"string"},"b":{"type":"boolean"},"at":{"type":"string","format":"date-time"},"for":{"type":"string","format":"duration"},
          "list":{"type":"array","items":{"type":"integer"}},"set":{"type":"array","items":{"type":"string"},"x-kubernetes-list-type":"set"},
          "map":{"type":"object","additionalProperties":{"type":"integer"}},
          "port":{"x-kubernetes-int-or-string":true},"maybe":{"type":"string","nullable":true},
          "in":{"type":"object","properties":{"a-b":{"type":"string"},"namespace":{"type":"string"}}}}}
        """;

    private const string Object =
        """
        {"n":5,"x":1.5,"s":"héllo","b":true,"at":"2026-03-01T09:30:00Z","for":"1h30m","list":[3,1,2],"set":["b","a"],"map":{"one":1,"two":2},"port":"http","maybe":null,
         "in":{"a-b":"dash","namespace":"ns"}}
        """;

    private static readonly Schema Read = ApiServer.Schema.Read(JsonNode.Parse(Schema));

    private static CelProgram Compile(string text) => CelProgram.Compile(text, CelNames.Of(CelSchema.TypeOf(Read, isResource: false), optionalOld: false));

    private static CelValue Run(string text, long steps = 10_000) => Compile(text).Run(
        ImmutableDictionary<string, CelValue>.Empty.Add(CelNames.Self, CelSchema.ValueOf(JsonNode.Parse(Object), Read, isResource: false)), new CelBudget(steps));

    [Theory]
    [InlineData("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9")]
    [InlineData("7 / 2 == 3 && 7 % 4 == 3 && -7 / 2 == -3 && 7.0 / 2.0 == 3.5")]
    [InlineData("1 < 1.5 && 2u > 1 && dyn(1) == 1.0 && 1u <= 1")]
    [InlineData("self.n == 5 && self.n != 6 && self.x >= 1.5 && self.b && !(self.n > 5)")]
    [InlineData("self.n > 3 ? self.s == 'héllo' : false")]
    [InlineData("size(self.s) == 5 && self.s.size() == 5 && self.s.startsWith('h') && self.s.endsWith(\"lo\") && self.s.contains('él')")]
    [InlineData("self.s.matches('^h.*o$') && !self.s.matches('x') && 'ab12'.find('[0-9]+') == '12' && 'a1b2'.findAll('[0-9]') == ['1','2']")]
    [InlineData("'A-b'.lowerAscii() == 'a-b' && 'a'.upperAscii() == 'A' && ' a '.trim() == 'a' && 'a,b,c'.split(',') == ['a','b','c'] && 'a,b,c'.split(',', 2) == ['a','b,c']")]
    [InlineData("['a','b'].join('-') == 'a-b' && 'aXbX'.replace('X','') == 'ab' && 'aXbX'.replace('X','',1) == 'abX' && 'héllo'.substring(1,3) == 'él' && 'héllo'.indexOf('l') == 2 && 'abc'.charAt(1) == 'b' && 'abc'.reverse() == 'cba'")]
    [InlineData("self.list.all(i, i > 0) && self.list.exists(i, i == 3) && self.list.exists_one(i, i == 3) && !self.list.exists_one(i, i > 0)")]
    [InlineData("self.list.map(i, i * 2) == [6,2,4] && self.list.filter(i, i > 1) == [3,2] && self.list.map(i, i > 1, i) == [3,2]")]
    [InlineData("self.list.sum() == 6 && self.list.min() == 1 && self.list.max() == 3 && !self.list.isSorted() && self.list.indexOf(2) == 2 && [1,2] + [3] == [1,2,3] && self.list[0] == 3")]
    [InlineData("self.set == ['a','b'] && [1,2] != [2,1]")]
    [InlineData("2 in self.list && 'one' in self.map && !('three' in self.map) && self.map['two'] == 2 && self.map.one == 1 && self.map.all(k, self.map[k] > 0) && size(self.map) == 2")]
    [InlineData("has(self.n) && !has(self.map.three) && has(self.map.one)")]
    [InlineData("self.maybe == null && has(self.maybe)")]
    [InlineData("self.__in__.a__dash__b == 'dash' && self.__in__.__namespace__ == 'ns'")]
    [InlineData("self.port == 'http' && type(self.port) == string && type(1) == int")]
    [InlineData("int('12') == 12 && string(12) == '12' && double('1.5') == 1.5 && int(2.9) == 2 && bool('true') && string(true) == 'true'")]
    [InlineData("self.at < timestamp('2026-03-01T09:30:01Z') && self.at.getHours() == 9 && self.at - duration('30m') == timestamp('2026-03-01T09:00:00Z')")]
    [InlineData("self.__for__ == duration('90m') && self.__for__ > duration('1h') && self.__for__.getMinutes() == 90")]
    [InlineData("quantity('1.5Gi').isLessThan(quantity('2Gi')) && quantity('500m').compareTo(quantity('0.5')) == 0 && isQuantity('1k') && !isQuantity('x') && quantity('2').add(3).asInteger() == 5")]
    [InlineData("{'a': 1, 'b': 2}.a == 1 && {'a': [1]}['a'][0] == 1 && {} == {}")]
    [InlineData("sets.contains([1,2,3],[2]) && sets.equivalent([1,1,2],[2,1]) && sets.intersects([1],[1,2])")]
    [InlineData("(1 / 0 == 1 || true) && !(1 / 0 == 1 && false)")]
    [InlineData("[1, 0].exists(i, 1 / i == 1) && ![0, 1].all(i, 1 / i == 2)")]
    [InlineData("self.?n.orValue(0) == 5 && self.map[?'x'].orValue(9) == 9 && !self.map.?x.hasValue() && self.map.?one.value() == 1")]
    [InlineData("'a' + \"b\\n\" == 'ab\\n' && r'\\d' == '\\\\d' && '''it's''' == \"it's\" && '\\u00e9' == 'é' && 0x1F == 31 // a comment")]
    [InlineData("dyn(1) == dyn('1') || true")]
    public void Expressions_are_true(string text) => Assert.Equal(new CelValue.Bool(true), Run(text));

    [Theory]
    [InlineData("self.map.three == 1", "no such key: three")]
    [InlineData("self.list[7] == 1", "index out of bounds: 7")]
    [InlineData("1 / (self.n - 5) == 1", "division by zero")]
    [InlineData("9223372036854775807 + self.n == 1", "return error for overflow")]
    [InlineData("self.port + 1 == 2", "no such overload")]
    [InlineData("int(self.s) == 1", "type conversion error: \"héllo\" is no int")]
    public void Some_expressions_have_no_value(string text, string why) => Assert.Equal(why, Assert.Throws<CelException>(() => Run(text)).Message);

    [Theory]
    [InlineData("self.none", "ERROR: <input>:1:5: undefined field 'none'\n | self.none\n | ....^")]
    [InlineData("other", "undeclared reference to 'other' (in container '')")]
    [InlineData("self.s + 1", "found no matching overload for '_+_' applied to '(string, int)'")]
    [InlineData("self.n == 'five'", "found no matching overload for '_==_' applied to '(int, string)'")]
    [InlineData("self.s.foo()", "undeclared reference to 'foo' (in container '')")]
    [InlineData("self.n.startsWith('a')", "found no matching overload for 'startsWith' applied to '(int, string)'")]
    [InlineData("self.n && true", "expected type 'bool' but found 'int'")]
    [InlineData("self.n.all(i, i > 0)", "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)")]
    [InlineData("self.list.all(i, i == 'a')", "found no matching overload for '_==_' applied to '(int, string)'")]
    [InlineData("1 +", "Syntax error: mismatched input '<EOF>'")]
    [InlineData("'open", "Syntax error: unterminated string")]
    [InlineData("if", "reserved identifier: if")]
    [InlineData("has(self)", "invalid argument to has() macro")]
    public void What_cannot_be_is_found_before_it_is_run(string text, string why) => Assert.Contains(why, Assert.Throws<CelCompileException>(() => Compile(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void Nesting_is_limited() =>
        Assert.Contains("nested too deeply", Assert.Throws<CelCompileException>(() => Compile(new string('(', 10_000) + "1" + new string(')', 10_000))).Message, StringComparison.Ordinal);

    [Fact]
    public void Work_is_limited()
    {
        const string Text = "self.list.all(a, self.list.all(b, self.list.all(c, self.list.all(d, a + b + c + d > 0))))";
        Assert.Throws<CelBudgetException>(() => Run(Text, 200));
        Assert.Equal(new CelValue.Bool(true), Run(Text));
    }

    [Fact]
    public void A_program_knows_which_names_it_uses()
    {
        Assert.True(Compile("self.list.all(i, i in oldSelf.list)").Mentions(CelNames.Old));
        Assert.False(Compile("self.list.all(i, i > 0)").Mentions(CelNames.Old));
    }
}
